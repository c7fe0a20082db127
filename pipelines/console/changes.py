"""Forms that change something: who may send them, and what happens after them."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.console.actions import Action
from pipelines.console.console import Console
from pipelines.console.content import address
from pipelines.console.operators import COOKIE, SCOPE

MOST_FORM_BYTES = 1 << 20
_MOST_FIELDS = 1000

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def change(console: Console, action: Action) -> Endpoint:
    """Return the endpoint of an action, for those who signed in, from a form of their session."""

    async def answer(request: Request) -> Response:
        fields = await _form(request)
        operator = console.operator(request)
        if operator is None:
            raise HTTPException(403, f"Expected somebody who signed in with the scope {SCOPE}")
        if not operator.has_token(fields.pop("token", "")):
            raise HTTPException(403, "Expected a form of this session; load its page again")
        outcome = await run_in_threadpool(action.run, console.visit(request, fields))
        operator.message = outcome.message
        return RedirectResponse(outcome.address, 303)

    return answer


def sign_in(console: Console) -> Endpoint:
    """Return the endpoint that begins a session."""

    async def answer(request: Request) -> Response:
        fields = await _form(request)
        session = console.operators.sign_in(fields.get("key", "").strip())
        if session is None:
            raise HTTPException(403, f"Expected the secret of a key with the scope {SCOPE}")
        response = RedirectResponse(address(""), 303)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict")
        return response

    return answer


def sign_out(console: Console) -> Endpoint:
    """Return the endpoint that ends a session."""

    async def answer(request: Request) -> Response:
        fields = await _form(request)
        operator = console.operator(request)
        if operator is not None and operator.has_token(fields.get("token", "")):
            console.operators.sign_out(request.cookies[COOKIE])
        response = RedirectResponse(address(""), 303)
        response.delete_cookie(COOKIE)
        return response

    return answer


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form that no page of another origin sent.

    Raises:
        HTTPException: 403, another page sent it; 413, it is too large; 400, it has too many fields.
    """
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.headers.get("origin", own) != own or site not in ("same-origin", "none"):
        raise HTTPException(403, "Expected a form of the console, found one of another page")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_FORM_BYTES:
            raise HTTPException(413, f"Expected a form of at most {MOST_FORM_BYTES} bytes")
    text = content.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, f"Expected at most {_MOST_FIELDS} fields") from None
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
