"""Undocumented behaviour of BentoML and uvicorn that the service relies on.

- `__is_ready__` of the service class decides what `/readyz` answers.
- BentoML answers `GET /livez` and `GET /readyz` itself, and mounts our application at `/`.
- `serving.http.workers` sets `PROMETHEUS_MULTIPROC_DIR`, which makes `/metrics` cover all workers.
- BentoML creates uvicorn's server with the protocol `auto`, after it has imported the service.
- BentoML wraps an application in `traffic.TimeoutMiddleware`: each request starts a timer.
- BentoML describes a service in a Bento with `generate_spec`.
- uvicorn has installed its handler of SIGTERM before it starts the application, and that handler
  begins the shutdown.
- Starlette gives every method of a path to a route whose endpoint is an ASGI object.

`tests/serving/http/test_bento.py` and `tests/integration/http` check each.
"""

import asyncio
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec
from _bentoml_sdk.service import openapi
from bentoml._internal.server.http import traffic
from uvicorn.config import HTTP_PROTOCOLS

if TYPE_CHECKING:
    from serving.access import Authentication, ConcurrencyLimit

_CONNECTION = "serving.http.connections:BoundedConnection"


def limit_connections() -> None:
    """Let uvicorn serve every connection with limits."""
    HTTP_PROTOCOLS["auto"] = _CONNECTION


def start_no_timers() -> None:
    """Let BentoML start no timer for a request.

    It never cancels one, so each request would stay in memory until its timer ends.  The service
    has deadlines of its own.
    """
    traffic.TimeoutMiddleware = lambda app, timeout: app  # noqa: ARG005 - BentoML names it


def refuse_early(
    limits: Mapping[str, "ConcurrencyLimit"], authentication: "Authentication"
) -> None:
    """Let every connection refuse the requests that have no valid key or get no slot."""
    from serving.http.connections import BoundedConnection
    from serving.http.endpoints import ENDPOINTS
    from serving.http.overload import Overload

    BoundedConnection.take_slot = Overload(ENDPOINTS, limits, authentication)


def describe_service(document: Callable[[], Mapping[str, Any]]) -> None:
    """Let BentoML write this OpenAPI document into a Bento; its own has none of our routes."""
    openapi.generate_spec = lambda _: msgspec.json.decode(msgspec.json.encode(document()))


def before_shutdown(notify: Callable[[], None], seconds: float) -> None:
    """Call `notify` at SIGTERM, and let uvicorn shut down `seconds` later.

    In between, the service still takes requests and closes each connection with its answer.
    """
    from serving.http.connections import BoundedConnection

    shut_down, loop = signal.getsignal(signal.SIGTERM), asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        notify()
        BoundedConnection.draining = True
        if callable(shut_down):
            loop.call_soon_threadsafe(loop.call_later, seconds, shut_down, number, frame)

    signal.signal(signal.SIGTERM, drain)
