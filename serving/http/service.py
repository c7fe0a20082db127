"""The HTTP service: the application of all endpoints, run by BentoML.

python -m bentoml serve serving.http.service:Aisle

BentoML's arbiter imports this module too, but answers no request: a worker adds the endpoints when
it starts, so that the arbiter need not import what they use.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import bentoml
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from feature_repo.home import Settings, restrict_permissions
from serving.http.bento import (
    before_shutdown,
    describe_service,
    limit_connections,
    refuse_early,
    start_no_timers,
)
from serving.http.readiness import Readiness, readiness_of
from serving.http.workers import end_with_arbiter, supervise_workers


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the home before the first request; close it after the last."""
    from serving.flow import Resources
    from serving.monitoring import log_json

    end_with_arbiter()
    _add_endpoints(app)
    log_json(_settings.home.root)
    restrict_permissions(_settings.home)
    app.state.resources = resources = Resources.open(_settings)
    refuse_early(resources.concurrency_limits, resources.authentication)
    before_shutdown(resources.drain, _settings.drain_seconds)
    await resources.start()
    yield
    await resources.close()


def _add_endpoints(app: Starlette) -> None:
    from serving.http.endpoints import ENDPOINTS
    from serving.http.error_responses import HANDLERS
    from serving.http.headers import middleware
    from serving.http.routing import routes
    from serving.storefront import PREFIX, Storefront

    storefront = Storefront(is_open=_settings.storefront)
    app.router.routes += [Route(PREFIX, RedirectResponse(f"{PREFIX}/")), Mount(PREFIX, storefront)]
    app.router.routes.extend(routes(ENDPOINTS))
    app.user_middleware.extend(middleware(_settings.cors_origins))
    app.exception_handlers.update(HANDLERS)


def _document() -> Mapping[str, Any]:
    from serving.http.endpoints import ENDPOINTS
    from serving.http.openapi import document

    return document(ENDPOINTS)


supervise_workers()
_settings = Settings.from_environment()
limit_connections()
start_no_timers()
describe_service(_document)
app = Starlette(lifespan=_lifespan)


@bentoml.service(
    name="Aisle",
    workers=_settings.workers,
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(app, path="/")
class Aisle:
    """Searches and recommendations for shoppers, and the events behind them."""

    async def __is_ready__(self) -> bool:
        """Return what `/readyz` answers."""
        return bool(app.state.resources.is_ready)


cast("Any", Aisle).add_asgi_middleware(Readiness, state=lambda: readiness_of(app.state.resources))
