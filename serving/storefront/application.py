"""The Starlette application of the storefront: its routes, and errors as pages."""

import logging
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from feature_repo.home import EventError
from serving.contract import ApiError, bad_request
from serving.flow import Resources
from serving.storefront import actions, explaining, fragments, reading
from serving.storefront.addresses import address
from serving.storefront.items import shop_text
from serving.storefront.page import Front, Handler, open_page, timed
from serving.storefront.personas import Personas
from training.pages import environment, static_file

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
_YEAR = "public, max-age=31536000, immutable"

_logger = logging.getLogger(__name__)

_PAGES: dict[str, Handler] = {
    "/": reading.home,
    "/search": reading.search,
    "/category": reading.category,
    "/item": reading.item,
    "/cart": reading.cart,
    "/order": reading.order,
    "/shoppers": reading.shoppers,
    "/compare": explaining.compare,
    "/why": explaining.why,
    "/suggest": fragments.suggest,
    "/moves": fragments.moves,
}
_FORMS: dict[str, Handler] = {
    "/play": actions.play,
    "/cart/add": actions.add,
    "/cart/remove": actions.remove,
    "/cart/order": actions.order,
    "/hide": actions.hide,
    "/unhide": actions.unhide,
}


def application(resources: Resources) -> Starlette:
    """Return the pages of one process of the service."""
    templates = environment(FOLDER / "templates")
    templates.filters["shop_text"] = shop_text
    templates.globals.update(address=address, asset=_asset)
    front = Front(resources, Personas(resources.event_intake.log, resources.shop), templates)
    pages = [_route(front, path, handler, "GET") for path, handler in _PAGES.items()]
    forms = [_route(front, path, handler, "POST") for path, handler in _FORMS.items()]
    errors: Any = {
        error: _error_page(front)
        for error in (ApiError, EventError, HTTPException, ClientDisconnect, Exception)
    }
    static = Route("/static/{name}", _static)
    return Starlette(routes=[*pages, *forms, static], exception_handlers=errors)


def _route(front: Front, path: str, handler: Handler, method: str) -> Route:
    measured = timed(handler)

    async def endpoint(request: Request) -> Response:
        return await measured(await open_page(front, request))

    return Route(path, endpoint, methods=[method])


def _error_page(front: Front) -> Any:
    """Return the handler that renders an error as a page."""

    async def render(request: Request, error: Exception) -> Response:
        page = await open_page(front, request)
        api_error = _api_error(error)
        response = page.render("error.html", api_error.status, error=api_error)
        response.headers.update(api_error.headers)
        return response

    return render


def _api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case EventError():
            return bad_request(error)
        case HTTPException(status_code=404):
            return ApiError(404, "address", "a page of the shop", "another")
        case HTTPException():
            return ApiError(error.status_code, "request", "another", error.detail)
        case ClientDisconnect():
            return ApiError(400, "form", "a whole form", "the sender left")
    _logger.error("A page of the storefront failed.", exc_info=error)
    return ApiError(500, "page", "no defect", "one")


def _asset(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    file = static_file(name, STATIC)
    assert file is not None, name
    return address(f"static/{name}", {"v": file.version})


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    file = static_file(name, STATIC)
    if file is None:
        raise ApiError(404, "file", "a file of the storefront", name)
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": _YEAR})
