"""The HTTP door of the house.  It translates bytes to calls and back, and decides nothing.

python -m bentoml serve serving.http.service:Aisle
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import bentoml
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feature_repo.events.contract import (
    AnyEvent,
    identifier,
    json_schemas,
    parse_canonical,
    parse_metarank,
)
from feature_repo.home import Settings
from serving.contract import (
    RECOMMEND_SURFACES,
    ApiError,
    RecommendBody,
    SearchBody,
    encode,
    read_rank_body,
    read_recommend_body,
    read_search_body,
)
from serving.http import openapi
from serving.http.endpoint import Document, Endpoint, answer_with, flag, read_body
from serving.http.error_responses import HANDLERS
from serving.http.headers import middleware
from serving.monitoring import log_json, metrics

DRAIN_SECONDS = 1.0
"""From not being ready to refusing connections: twice what a probe every half second needs."""


class Rank(Endpoint):
    """`POST /rank/{model}`."""

    scope_needed = "answers"
    kind = "answers"

    async def post(self, request: Request) -> Response:
        """Rank the items of the body."""
        from serving.flow import answer

        body = read_rank_body(await read_body(request))
        resources, started = request.app.state.resources, time.perf_counter()
        async with resources.concurrency_limits["answers"].acquire():
            ranked = await answer(resources, request.path_params["model"], body, **_flags(request))
        metrics.ANSWER_SECONDS.labels("rank").observe(time.perf_counter() - started)
        return answer_with(ranked)


class Search(Endpoint):
    """`POST /search`."""

    scope_needed = "answers"
    kind = "answers"

    async def post(self, request: Request) -> Response:
        """Find and rank items for a query."""
        return await _page(request, read_search_body(await read_body(request)), "search")


class Recommend(Endpoint):
    """`POST /recommend/{surface}`."""

    scope_needed = "answers"
    kind = "answers"

    async def post(self, request: Request) -> Response:
        """Find and rank items for a place of the shop."""
        surface = request.path_params["surface"]
        if surface not in RECOMMEND_SURFACES:
            raise ApiError(404, "surface", f"one of {', '.join(RECOMMEND_SURFACES)}", repr(surface))
        return await _page(request, read_recommend_body(await read_body(request)), surface)


class Autocomplete(Endpoint):
    """`GET /autocomplete?q=`."""

    scope_needed = "answers"
    kind = "answers"

    async def get(self, request: Request) -> Response:
        """Complete what was typed so far."""
        from serving.http.autocomplete import complete

        return answer_with(complete(request.app.state.resources.models, request.query_params))


class Events(Endpoint):
    """`POST /events`: canonical events."""

    scope_needed = "events"
    kind = "events"

    async def post(self, request: Request) -> Response:
        """Take the events of the body."""
        return await _take(request, parse_canonical, "events")


class Feedback(Endpoint):
    """`POST /feedback`: events in the open peer's form."""

    scope_needed = "events"
    kind = "events"

    async def post(self, request: Request) -> Response:
        """Take the events of the body."""
        return await _take(request, parse_metarank, "feedback")


class User(Endpoint):
    """`GET` and `DELETE /users/{id}`."""

    scope_needed = "users"
    kind = "events"

    async def get(self, request: Request) -> Response:
        """Tell what is known of a person."""
        from serving.http.person import known_of

        resources = request.app.state.resources
        return answer_with(await known_of(resources, _user_of(request)))

    async def delete(self, request: Request) -> Response:
        """Forget a person."""
        from serving.http.person import forget
        from serving.monitoring import run_in_pool

        resources, user_id = request.app.state.resources, _user_of(request)
        async with resources.concurrency_limits["events"].acquire():
            return answer_with(
                await run_in_pool(resources.writers, lambda: forget(resources, user_id))
            )


class Features(Endpoint):
    """`GET /features`."""

    scope_needed = "answers"

    async def get(self, request: Request) -> Response:
        """Describe every feature."""
        return answer_with(request.app.state.resources.features)


class Models(Endpoint):
    """`GET /models`."""

    scope_needed = "answers"

    async def get(self, request: Request) -> Response:
        """Name the artifacts in use."""
        from serving.flow import describe_models

        return answer_with(describe_models(request.app.state.resources.models))


class Metrics(Document):
    """`GET /metrics`."""

    scope_needed = "metrics"
    content = staticmethod(metrics.exposition)
    media_type = metrics.CONTENT_TYPE


class OpenApi(Document):
    """`GET /openapi.json`, which BentoML calls `/docs.json`."""

    content = staticmethod(lambda: encode(openapi.document()))


class Index(Document):
    """`GET /`: where to go.  BentoML's own page would load a third party's script."""

    content = staticmethod(lambda: encode({"service": "aisle", "openapi": "/openapi.json"}))


class Schema(Endpoint):
    """`GET /schema/{kind}.json`: what an event of a kind must look like."""

    scope_needed = None

    async def get(self, request: Request) -> Response:
        """Give the JSON Schema."""
        kind, schemas = request.path_params["kind"], json_schemas()
        if kind not in schemas:
            raise ApiError(404, "kind", f"one of {', '.join(schemas)}", repr(kind))
        return answer_with(schemas[kind])


class Probe(Endpoint):
    """`GET /livez` and `/readyz` are BentoML's; of other methods this tells the right one."""

    scope_needed = None

    async def dispatch(self) -> None:
        """Refuse it."""
        raise HTTPException(405, headers={"Allow": "GET"})


class Unknown(Endpoint):
    """Every other path."""

    scope_needed = None

    async def dispatch(self) -> None:
        """Refuse it."""
        raise ApiError(404, "path", "a path of /openapi.json", self.scope["path"])


def _user_of(request: Request) -> str:
    return identifier(request.path_params["user_id"], "user")


async def _page(request: Request, body: SearchBody | RecommendBody, surface: str) -> Response:
    from serving.flow import answer_page

    resources, started = request.app.state.resources, time.perf_counter()
    async with resources.concurrency_limits["answers"].acquire():
        answered = await answer_page(resources, surface, body, **_flags(request))
    metrics.ANSWER_SECONDS.labels(surface).observe(time.perf_counter() - started)
    return answer_with(answered)


def _flags(request: Request) -> dict[str, bool]:
    if not request.scope["query_string"]:
        return {}
    return {name: flag(request, name) for name in ("explain", "shown")}


async def _take(request: Request, parse: Callable[[object], AnyEvent], door: str) -> Response:
    from serving.monitoring import run_in_pool

    body = await read_body(request)
    started = time.perf_counter()
    resources = request.app.state.resources
    async with resources.concurrency_limits["events"].acquire():
        taken = await run_in_pool(
            resources.writers, lambda: resources.event_intake.ingest(body, parse, door)
        )
    metrics.ANSWER_SECONDS.labels(door).observe(time.perf_counter() - started)
    return answer_with(taken)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the home before the first request, close it after the last."""
    from serving.flow import Resources

    log_json()
    app.state.resources = resources = Resources.open(Settings.from_environment())
    _drain_on_sigterm(resources)
    await resources.start()
    yield
    await resources.close()


def _drain_on_sigterm(resources: Any) -> None:
    """Stop being ready at the first word of the end; uvicorn then finishes what is in flight.

    In between, requests are still taken, and each connection is closed with its answer: whoever
    sends them learns in time that they should go elsewhere.
    """
    end, loop = signal.getsignal(signal.SIGTERM), asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        resources.draining = True
        if callable(end):
            loop.call_soon_threadsafe(loop.call_later, DRAIN_SECONDS, end, number, frame)

    signal.signal(signal.SIGTERM, drain)


app = Starlette(
    routes=[
        Route("/rank/{model}", Rank),
        Route("/search", Search),
        Route("/recommend/{surface}", Recommend),
        Route("/autocomplete", Autocomplete),
        Route("/events", Events),
        Route("/feedback", Feedback),
        Route("/users/{user_id:path}", User),
        Route("/features", Features),
        Route("/models", Models),
        Route("/schema/{kind}.json", Schema),
        Route("/metrics", Metrics),
        Route("/openapi.json", OpenApi),
        Route("/docs.json", OpenApi),
        Route("/livez", Probe),
        Route("/readyz", Probe),
        Route("/", Index),
        Route("/{path:path}", Unknown),
    ],
    middleware=middleware(Settings.from_environment().cors_origins),
    exception_handlers=HANDLERS,
    lifespan=_lifespan,
)


@bentoml.service(
    name="Aisle",
    workers=Settings.from_environment().workers,
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
