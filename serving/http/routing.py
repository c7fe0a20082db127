"""Starlette routes of the declared endpoints: read, check, limit, time and encode each request."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.access import check_scope
from serving.contract import MAX_BODY_BYTES, ApiError, body_reader, encode, too_large
from serving.http.endpoint import FLAGS, JSON, Call, Endpoint
from serving.http.overload import SCOPES_OF_SLOT
from serving.monitoring import ANSWER_SECONDS

BODY_SECONDS = 10.0
"""How long a client may take to send a body."""

_METHODS = ("GET", "HEAD", "POST", "DELETE")
_NO_PARAMETERS: Mapping[str, Any] = {}


def routes(endpoints: Iterable[Endpoint]) -> list[Route]:
    """Return one Starlette route per path, and a last one that answers 404."""
    by_path: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        for path in (endpoint.path, *endpoint.aliases):
            by_path.setdefault(path, []).append(endpoint)
    routed = [Route(path, PathApp(declared)) for path, declared in by_path.items()]
    return [*routed, Route("/{path:path}", UnknownPath)]


class PathApp:
    """ASGI application of one path: authenticates, then calls the method's endpoint."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.endpoints = endpoints
        self._by_method = {endpoint.method: endpoint for endpoint in endpoints}
        get = self._by_method.get("GET")
        if get is not None and not get.is_probe:
            self._by_method["HEAD"] = get
        allowed = ", ".join(method for method in _METHODS if method in self._by_method)
        self._allow = {"Allow": allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            ApiError, EventError, LogError, HTTPException: the request is rejected.
        """
        request = Request(scope, receive, send)
        resources = scope["app"].state.resources
        endpoint = self._by_method.get(scope["method"])
        declared = endpoint or self.endpoints[0]
        scopes: Collection[str] = scope.get(SCOPES_OF_SLOT, ())
        if declared.scope is not None and SCOPES_OF_SLOT not in scope:
            scopes = resources.authentication.check(request, declared.scope)
        if declared.kind is not None and SCOPES_OF_SLOT not in scope:
            resources.concurrency_limits[declared.kind].check()
        if endpoint is None:
            raise HTTPException(405, headers=self._allow)
        response = await _respond(endpoint, request, resources, scopes)
        await response(scope, receive, send)


class UnknownPath(HTTPEndpoint):
    """Every path that is not declared."""

    async def dispatch(self) -> None:
        """Reject the request.

        Raises:
            ApiError: 404.
        """
        raise ApiError(404, "path", "a path of /openapi.json", self.scope["path"])


async def _respond(
    endpoint: Endpoint, request: Request, resources: Any, scopes: Collection[str]
) -> Response:
    path = request.path_params
    for name, choices in endpoint.choices.items():
        if path[name] not in choices:
            raise ApiError(404, name, f"one of {', '.join(choices)}", repr(path[name]))
    query = request.query_params if request.scope["query_string"] else _NO_PARAMETERS
    flags = {name: _flag(query, name) for name in endpoint.flags} if query else _NO_PARAMETERS
    for name, scope in endpoint.parameter_scopes.items() if query else ():
        if flags.get(name) or (name in endpoint.query and query.get(name)):
            check_scope(scopes, scope)
    body = None
    if endpoint.body is not None:
        body = body_reader(endpoint.body)(await read_body(request))
    call = Call(resources, body, path, query, flags, scopes)
    started = time.perf_counter()
    assert endpoint.handler is not None
    if endpoint.kind is not None and endpoint.queues:
        limit = resources.concurrency_limits[endpoint.kind]
        async with limit.running_slots if SCOPES_OF_SLOT in request.scope else limit:
            content = await endpoint.handler(call)
    else:
        content = await endpoint.handler(call)
    if endpoint.metric is not None:
        label = endpoint.metric.format_map(path) if path else endpoint.metric
        ANSWER_SECONDS.labels(label).observe(time.perf_counter() - started)
    if isinstance(content, bytes):
        return Response(content, media_type=endpoint.media_type)
    status = content.status if endpoint.outcomes else 200
    return Response(encode(content), status, media_type=JSON)


def _flag(query: Mapping[str, str], name: str) -> bool:
    """Return a flag of the query string; False where it is absent or empty."""
    value = query.get(name) or "0"
    if value not in FLAGS:
        raise ApiError(400, name, f"one of {', '.join(FLAGS)}", repr(value))
    return FLAGS[value]


async def read_body(request: Request) -> bytes:
    """Read the body; stop at the size limit and at the time limit.

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
        received = f"{len(body)} bytes of it"
        raise ApiError(408, "body", f"a body within {BODY_SECONDS:g} s", received) from None
    return bytes(body)
