"""What all endpoints have in common: who may ask, how much at once, how much in a body."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import MAX_BODY_BYTES, ApiError, encode, too_large

BODY_SECONDS = 10.0
"""How long a sender may take over a body."""

JSON = "application/json"

FLAGS = {"1": True, "true": True, "0": False, "false": False}
"""What a flag of a query may be."""


class Endpoint(HTTPEndpoint):
    """An endpoint for holders of a key with its scope.

    Attributes:
        scope_needed: of the key; None admits everybody.
        kind: of the work, which has a capacity of its own; None where it is none worth counting.
    """

    scope_needed: ClassVar[str | None]
    kind: ClassVar[str | None] = None

    async def dispatch(self) -> None:
        """Refuse who may not ask, and what cannot be taken on; then answer."""
        request = Request(self.scope, self.receive)
        resources = request.app.state.resources
        if self.scope_needed is not None:
            resources.authentication.check(request, self.scope_needed)
        if self.kind is not None:
            resources.concurrency_limits[self.kind].check()
        await super().dispatch()


class Document(Endpoint):
    """What can be read without asking for anything in particular."""

    scope_needed: ClassVar[str | None] = None
    content: Callable[[], bytes]
    media_type = JSON

    async def get(self, _: Request) -> Response:
        """Give the document."""
        return Response(type(self).content(), media_type=self.media_type)


def answer_with(content: Any) -> Response:
    """A 200 with JSON."""
    return Response(encode(content), media_type=JSON)


def flag(request: Request, name: str) -> bool:
    """A flag of the query; off where it is absent or empty.

    Raises:
        ApiError: 400, another value.
    """
    given = request.query_params.get(name) or "0"
    if given not in FLAGS:
        raise ApiError(400, name, f"one of {', '.join(FLAGS)}", repr(given))
    return FLAGS[given]


async def read_body(request: Request) -> bytes:
    """The body; one that is too large, or never ends, is not read to its end.

    Raises:
        ApiError: 408 or 413.
    """
    expected = f"at most {MAX_BODY_BYTES} bytes"
    declared = request.headers.get("content-length", "")
    if len(declared) > 12 or (declared.isdigit() and int(declared) > MAX_BODY_BYTES):
        raise too_large("body", expected, declared)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise too_large("body", expected, "more")
    except TimeoutError:
        found = f"{len(body)} bytes of it"
        raise ApiError(408, "body", f"a body within {BODY_SECONDS:g} s", found) from None
    return bytes(body)
