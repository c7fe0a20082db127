"""Answers other than 200: each names a field, what was expected there and what was found."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from feature_repo.home import AisleError, EventError

_MISMATCH = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<found>.*?)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*?)`")
_PLACE = re.compile(r" - at `\$\.?(?P<path>.*)`$")
LONGEST_FOUND = 200

Body = TypeVar("Body")


class ApiError(AisleError):
    """A request that is not served."""

    def __init__(
        self,
        status: int,
        field: str,
        expected: str,
        found: object,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.field = field
        self.expected = expected
        self.found = str(found)[:LONGEST_FOUND]
        self.headers = headers or {}
        super().__init__(f"{field}: expected {expected}, found {self.found}")

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        told = {"field": self.field, "expected": self.expected, "found": self.found}
        return {"error": told}


def bad_request(error: EventError) -> ApiError:
    """The 400 that says what a reader of values found."""
    return ApiError(400, error.field, error.expected, error.found)


def too_large(field: str, expected: str, found: object) -> ApiError:
    """The 413 of a body, or a slate, beyond the limit."""
    return ApiError(413, field, expected, found)


def decode_body(decode: Callable[[bytes], Body], data: bytes) -> Body:
    """A body as msgspec reads it.

    Raises:
        ApiError: 400, not such a body.
    """
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> ApiError:
    """The 400 for a body msgspec could not read."""
    if not isinstance(error, msgspec.ValidationError):
        return ApiError(400, "body", "UTF-8 JSON", error)
    text = str(error)
    place = _PLACE.search(text)
    path = place["path"] if place else ""
    if mismatch := _MISMATCH.search(text):
        return ApiError(400, path or "body", mismatch["expected"], mismatch["found"])
    if missing := _MISSING.search(text):
        return ApiError(400, f"{path}.{missing['name']}".lstrip("."), "a value", "nothing")
    return ApiError(400, path or "body", "JSON of this endpoint's form", text)


def log_unavailable(error: Exception) -> ApiError:
    """The 503, the only 5xx there is: what cannot be logged is not acknowledged."""
    return ApiError(503, "log", "a log that can be written", error, headers={"Retry-After": "5"})
