"""What every answer says to whoever gets it: what it is not, and that the service is going."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_CLOSE = ((b"connection", b"close"),)


class AnswerHeaders:
    """Adds `SECURITY` to every answer, and closes the connections of a process that ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                leaving = _CLOSE if scope["app"].state.resources.draining else ()
                message["headers"] = [*message.get("headers", ()), *SECURITY, *leaving]
            await send(message)

        await self._app(scope, receive, with_headers)


def middleware(origins: Sequence[str]) -> list[Middleware]:
    """Security headers; and, for pages of these origins alone, leave to read answers."""
    found = [Middleware(AnswerHeaders)]
    if origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
        found.append(cors)
    return found
