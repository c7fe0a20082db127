"""The Starlette application of the console: pages, their twins, changes, and errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from feature_repo.home import AisleError, ArtifactError, EventError, SettingError, Settings
from pipelines.console.actions import ACTIONS
from pipelines.console.cells import cell
from pipelines.console.changes import change, sign_in, sign_out
from pipelines.console.console import NEVER_STORED, Console
from pipelines.console.content import Order, Table, address
from pipelines.console.operators import Operators
from pipelines.console.pages import PAGES, Page
from training.pages import environment, is_local_host, static_file

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
_YEAR = "public, max-age=31536000, immutable"
_FORMATS = ("html", "json", "csv")


def application(settings: Settings, service_url: str, wait_seconds: float = 0.25) -> Starlette:
    """Return the pages of a home.

    Args:
        service_url: of the running service, for live values; it may be away.
        wait_seconds: how long a page waits for a slow figure before it is shown without it.
    """
    templates = environment(FOLDER / "templates")
    templates.globals.update(address=address, asset=_asset, pages=PAGES)
    templates.filters.update(cell=cell)
    operators = Operators(settings.home.api_keys)
    console = Console(settings, service_url, templates, operators, wait_seconds)
    pages = [
        Route(path, _endpoint(console, page, form))
        for page in PAGES
        for form in _FORMATS
        for path in _paths(page, form)
    ]
    changes = [
        Route(f"/{path}", endpoint, methods=["POST"])
        for path, endpoint in (
            *((action.path, change(console, action)) for action in ACTIONS),
            ("session", sign_in(console)),
            ("sign-out", sign_out(console)),
        )
    ]
    errors: Any = {error: _error_page(console) for error in (AisleError, HTTPException, Exception)}
    return Starlette(
        routes=[*pages, *changes, Route("/static/{name}", _static)],
        exception_handlers=errors,
        middleware=[Middleware(_ThisMachine)],
    )


class _ThisMachine:
    """Answers only requests whose `Host` names this machine, and no answer is stored."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = Request(scope).headers.getlist("host") if scope["type"] == "http" else []
        if len(hosts) == 1 and is_local_host(hosts[0]):
            await self._app(scope, receive, send)
            return
        text = "Host: expected localhost or 127.0.0.1, found another name. Open the console there."
        await PlainTextResponse(text, 403)(scope, receive, send)


def _paths(page: Page, form: str) -> list[str]:
    """Return the paths of a page; the first page is also at the root."""
    if form != "html":
        return [f"/{page.path}.{form}"]
    return [f"/{page.path}", *(["/"] if page is PAGES[0] else [])]


def _endpoint(console: Console, page: Page, form: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        visit = console.visit(request, dict(request.query_params), waits=form != "html")
        content = page.show(visit).ordered(Order.of(visit.get("sort")))
        if form == "html":
            return console.html(request, "page.html", page=page, content=content, visit=visit)
        return _twin(content.tables, visit.get("table"), form)

    return answer


def _twin(tables: list[Table], key: str, form: str) -> Response:
    """Return a table of a page, or in JSON all of them by key."""
    chosen = [table for table in tables if key in ("", table.key)]
    if form == "json" and not key:
        return _download(json.dumps({table.key: table.to_dict() for table in chosen}), "json")
    if len(chosen) != 1:
        keys = ", ".join(table.key for table in tables) or "none, because the page has no table"
        raise SettingError(f"table: expected one of {keys}, found {key!r}.")
    return _download(
        json.dumps(chosen[0].to_dict()) if form == "json" else chosen[0].to_csv(), form
    )


def _download(text: str, form: str) -> Response:
    media_type = "application/json" if form == "json" else "text/csv"
    return Response(text, media_type=media_type, headers=NEVER_STORED)


def _error_page(console: Console) -> Any:
    """Return the handler that shows an error as a page."""

    def show(request: Request, error: Exception) -> Response:
        status, text = _described(error)
        return console.html(request, "error.html", status, page=None, code=status, text=text)

    return show


def _described(error: Exception) -> tuple[int, str]:
    """Return the status of an error, and what to say."""
    match error:
        case SettingError() | EventError():
            return 400, str(error)
        case ArtifactError():
            return 404, str(error)
        case AisleError():
            return 503, str(error)
        case HTTPException(status_code=404):
            return 404, "Expected the address of a page, found another."
        case HTTPException():
            return error.status_code, f"{error.detail}."
    return 500, f"{type(error).__name__}: {error}. `aisle doctor` checks the files of the home."


def _asset(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    file = static_file(name, STATIC)
    assert file is not None, name
    return address(f"static/{name}", {"v": file.version})


def _static(request: Request) -> Response:
    file = static_file(request.path_params["name"], STATIC)
    if file is None:
        raise HTTPException(404)
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": _YEAR})
