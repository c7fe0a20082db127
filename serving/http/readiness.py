"""The answer of `/readyz`: whether the service takes requests, and what its answers lack.

BentoML's own answer says only whether.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Readiness:
    """Middleware that answers `GET /readyz`.

    Args:
        state: returns whether the service is ready, and a text.
    """

    def __init__(self, app: ASGIApp, state: Callable[[], tuple[bool, str]]) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as an ASGI application."""
        if scope["type"] != "http" or scope["path"] != "/readyz" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        is_ready, text = self._state()
        answer = PlainTextResponse(f"{text}\n", 200 if is_ready else 503)
        await answer(scope, receive, send)


def readiness_of(resources: Any) -> tuple[bool, str]:
    """Return whether a service is ready, and what its answers lack."""
    if not resources.is_ready:
        reason = "shutting down" if resources.draining else "nothing that ranks is loaded yet"
        return False, f"not ready: {reason}"
    outage = resources.online_features.outage
    return True, f"ready, degraded: hydrate: {outage}" if outage else "ready"
