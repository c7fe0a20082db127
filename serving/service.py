"""The HTTP door of the house.  It translates bytes to calls and back, and decides nothing.

python -m bentoml serve serving.service:Aisle
"""

import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import bentoml
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feature_repo.config import Settings
from feature_repo.events.contract import AnyEvent
from feature_repo.events.parsing import parse_event, parse_metarank
from feature_repo.events.schemas import json_schemas
from serving import metrics, openapi
from serving.bodies import MAX_BODY_BYTES, encode, read_rank_body
from serving.errors import RefusedError, too_large
from serving.page_bodies import (
    RECOMMENDED,
    RecommendBody,
    SearchBody,
    read_recommend_body,
    read_search_body,
)
from serving.refusals import HANDLERS

_ON = ("1", "true")
_JSON = "application/json"


class Rank(HTTPEndpoint):
    """`POST /rank/{model}`."""

    async def post(self, request: Request) -> Response:
        """Rank the items of the body."""
        from serving.request_flow import answer

        body = read_rank_body(await _read(request))
        started = time.perf_counter()
        ranked = await answer(
            request.app.state.resources,
            request.path_params["model"],
            body,
            **_flags(request),
        )
        metrics.ANSWER_SECONDS.labels("rank").observe(time.perf_counter() - started)
        return Response(encode(ranked), media_type=_JSON)


class Search(HTTPEndpoint):
    """`POST /search`."""

    async def post(self, request: Request) -> Response:
        """Find and rank items for a query."""
        return await _page(request, read_search_body(await _read(request)), "search")


class Recommend(HTTPEndpoint):
    """`POST /recommend/{surface}`."""

    async def post(self, request: Request) -> Response:
        """Find and rank items for a place of the shop."""
        surface = request.path_params["surface"]
        if surface not in RECOMMENDED:
            raise RefusedError(404, "surface", f"one of {', '.join(RECOMMENDED)}", repr(surface))
        return await _page(request, read_recommend_body(await _read(request)), surface)


class Autocomplete(HTTPEndpoint):
    """`GET /autocomplete?q=`."""

    async def get(self, request: Request) -> Response:
        """Complete what was typed so far."""
        from serving.autocomplete import complete

        return Response(
            encode(complete(request.app.state.resources.models, request.query_params)),
            media_type=_JSON,
        )


class Events(HTTPEndpoint):
    """`POST /events`: canonical events."""

    async def post(self, request: Request) -> Response:
        """Take the events of the body."""
        return await _take(request, parse_event, "events")


class Feedback(HTTPEndpoint):
    """`POST /feedback`: events in the open peer's form."""

    async def post(self, request: Request) -> Response:
        """Take the events of the body."""
        return await _take(request, parse_metarank, "feedback")


class Document(HTTPEndpoint):
    """What can be read without asking for anything in particular."""

    content: Callable[[], bytes]
    media_type = _JSON

    async def get(self, _: Request) -> Response:
        """Give the document."""
        return Response(type(self).content(), media_type=self.media_type)


class Metrics(Document):
    """`GET /metrics`."""

    content = staticmethod(metrics.exposition)
    media_type = metrics.CONTENT_TYPE


class OpenApi(Document):
    """`GET /openapi.json`, which BentoML calls `/docs.json`."""

    content = staticmethod(lambda: encode(openapi.document()))


class Index(Document):
    """`GET /`: where to go.  BentoML's own page would load a third party's script."""

    content = staticmethod(lambda: encode({"service": "aisle", "openapi": "/openapi.json"}))


class Schema(HTTPEndpoint):
    """`GET /schema/{kind}.json`: what an event of a kind must look like."""

    async def get(self, request: Request) -> Response:
        """Give the JSON Schema."""
        kind, schemas = request.path_params["kind"], json_schemas()
        if kind not in schemas:
            raise RefusedError(404, "kind", f"one of {', '.join(schemas)}", repr(kind))
        return Response(encode(schemas[kind]), media_type=_JSON)


class Unknown(HTTPEndpoint):
    """Every other path."""

    async def dispatch(self) -> None:
        """Refuse it."""
        raise RefusedError(404, "path", "a path of /openapi.json", self.scope["path"])


async def _page(request: Request, body: SearchBody | RecommendBody, surface: str) -> Response:
    from serving.request_flow import answer_page

    started = time.perf_counter()
    answered = await answer_page(request.app.state.resources, surface, body, **_flags(request))
    metrics.ANSWER_SECONDS.labels(surface).observe(time.perf_counter() - started)
    return Response(encode(answered), media_type=_JSON)


def _flags(request: Request) -> dict[str, bool]:
    return {name: request.query_params.get(name) in _ON for name in ("explain", "shown")}


async def _take(request: Request, parse: Callable[[object], AnyEvent], door: str) -> Response:
    from serving.deadlines import beside

    body = await _read(request)
    started = time.perf_counter()
    resources = request.app.state.resources
    taken = await beside(resources.writers, lambda: resources.intake.take(body, parse, door))
    metrics.ANSWER_SECONDS.labels(door).observe(time.perf_counter() - started)
    return Response(encode(taken), media_type=_JSON)


async def _read(request: Request) -> bytes:
    """The body; one that is too large is not read to its end."""
    expected = f"at most {MAX_BODY_BYTES} bytes"
    declared = request.headers.get("content-length", "")
    if len(declared) > 12 or (declared.isdigit() and int(declared) > MAX_BODY_BYTES):
        raise too_large("body", expected, declared)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large("body", expected, "more")
    return bytes(body)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the home before the first request, close it after the last."""
    from serving.resources import Resources

    app.state.resources = resources = Resources.open(Settings.from_environment())
    _drain_on_sigterm(resources)
    resources.start_chores()
    yield
    await resources.close()


def _drain_on_sigterm(resources: Any) -> None:
    """Stop being ready at the first word of the end; uvicorn then finishes what is in flight."""
    end = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        resources.draining = True
        if callable(end):
            end(number, frame)

    signal.signal(signal.SIGTERM, drain)


app = Starlette(
    routes=[
        Route("/rank/{model}", Rank),
        Route("/search", Search),
        Route("/recommend/{surface}", Recommend),
        Route("/autocomplete", Autocomplete),
        Route("/events", Events),
        Route("/feedback", Feedback),
        Route("/schema/{kind}.json", Schema),
        Route("/metrics", Metrics),
        Route("/openapi.json", OpenApi),
        Route("/docs.json", OpenApi),
        Route("/", Index),
        Route("/{path:path}", Unknown),
    ],
    exception_handlers=HANDLERS,
    lifespan=_lifespan,
)


@bentoml.service(
    name="Aisle",
    traffic={"timeout": 3600},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(app, path="/")
class Aisle:
    """Finds and ranks items for shoppers, and takes the events that teach it."""

    async def __is_ready__(self) -> bool:
        """What `/readyz` answers."""
        return bool(app.state.resources.is_ready)
