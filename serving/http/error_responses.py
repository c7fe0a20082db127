"""Errors as answers: every refusal is JSON that names field, expectation and finding."""

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from feature_repo.home import EventError, LogError
from serving.contract import ApiError, bad_request, encode, log_unavailable
from serving.monitoring import ERRORS

_logger = logging.getLogger(__name__)


async def refuse(_: Request, error: Exception) -> Response:
    """Answer a refused request."""
    refusal = _refusal(error)
    ERRORS.labels(str(refusal.status)).inc()
    return Response(
        encode(refusal.to_dict()), refusal.status, refusal.headers, media_type="application/json"
    )


def _refusal(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case EventError():
            return bad_request(error)
        case LogError():
            _logger.error("%s", error)
            return log_unavailable(error)
        case HTTPException():
            return _of_http(error)
    field, expected, found = _UNFIT.get(type(error), ("service", "no defect", "one"))
    return ApiError(400 if type(error) in _UNFIT else 500, field, expected, found)


def _of_http(error: HTTPException) -> ApiError:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return ApiError(405, "method", headers.get("Allow", ""), "another", headers=headers)
    return ApiError(error.status_code, "request", "another", error.detail, headers=headers)


_UNFIT: dict[type[Exception], tuple[str, str, str]] = {
    ClientDisconnect: ("body", "a whole body", "the sender left"),
    RecursionError: ("body", "JSON less deeply nested", "too many levels"),
}
HANDLERS: Any = {
    error: refuse for error in (ApiError, EventError, LogError, HTTPException, *_UNFIT, Exception)
}
"""Handlers for a Starlette application."""
