"""Responses of errors: JSON with the field, the expected and the actual value."""

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from feature_repo.home import EventError, LogError
from serving.contract import ApiError, bad_request, encode, log_unavailable
from serving.monitoring import ERRORS

_logger = logging.getLogger(__name__)


async def error_response(_: Request, error: Exception) -> Response:
    """Answer a request that raised an error."""
    api_error = _api_error(error)
    ERRORS.labels(str(api_error.status)).inc()
    return Response(
        encode(api_error.to_dict()),
        api_error.status,
        api_error.headers,
        media_type="application/json",
    )


def _api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case EventError():
            return bad_request(error)
        case LogError():
            _logger.error("%s", error)
            return log_unavailable()
        case HTTPException():
            return _of_starlette(error)
    if type(error) in _BAD_REQUESTS:
        return ApiError(400, *_BAD_REQUESTS[type(error)])
    return ApiError(500, "service", "no defect", "one")


def _of_starlette(error: HTTPException) -> ApiError:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return ApiError(405, "method", headers.get("Allow", ""), "another", headers=headers)
    return ApiError(error.status_code, "request", "another", error.detail, headers=headers)


_BAD_REQUESTS: dict[type[Exception], tuple[str, str, str]] = {
    ClientDisconnect: ("body", "a whole body", "the sender left"),
    RecursionError: ("body", "JSON less deeply nested", "too many levels"),
}
HANDLERS: Any = {
    error: error_response
    for error in (ApiError, EventError, LogError, HTTPException, *_BAD_REQUESTS, Exception)
}
"""Exception handlers of the Starlette application."""
