"""Error answers: each names a field, the expected and the actual value.

ApiError
├── 400  bad_request, decode_body
├── 413  too_large
└── 503  log_unavailable
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from feature_repo.home import AisleError, EventError, did_you_mean

_MISMATCH = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<actual>.*?)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*?)`(?= - at `\$|$)", re.DOTALL)
_INDEX = re.compile(r"\[[^\]]*\]")
_PATH = re.compile(r" - at `\$\.?(?P<path>.*)`$")
MAX_VALUE_CHARACTERS = 200

Body = TypeVar("Body")


class ApiError(AisleError):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        field: of the request.
        expected: description of valid values.
        actual: value in the request; the answer calls it `found`.
        hint: what to do, if it is not obvious.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        field: str,
        expected: str,
        actual: object,
        *,
        hint: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.field = field
        self.expected = expected
        self.actual = str(actual)[:MAX_VALUE_CHARACTERS]
        self.hint = hint
        self.headers = headers or {}
        super().__init__(f"{field}: expected {expected}, found {self.actual}")

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the answer."""
        error = {"field": self.field, "expected": self.expected, "found": self.actual}
        return {"error": error | ({"hint": self.hint} if self.hint else {})}


def bad_request(error: EventError) -> ApiError:
    """Return the 400 of an invalid value."""
    return ApiError(400, error.field, error.expected, error.found, hint=error.hint)


def too_large(field: str, expected: str, actual: object) -> ApiError:
    """Return the 413 of a body, or a list, beyond its limit."""
    return ApiError(413, field, expected, actual)


def log_unavailable() -> ApiError:
    """Return the 503, the only 5xx of the service: the event log cannot be written."""
    return ApiError(
        503, "log", "a log that can be written", "an error", headers={"Retry-After": "5"}
    )


def decode_body(decode: Callable[[bytes], Body], data: bytes, body: type) -> Body:
    """Decode a body with the msgspec decoder of a declared body.

    Raises:
        ApiError: 400, the body is not JSON of the declared type.
    """
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        raise _invalid_body(error, body) from None


def _invalid_body(error: Exception, body: type) -> ApiError:
    if not isinstance(error, msgspec.ValidationError):
        return ApiError(400, "body", "UTF-8 JSON", error)
    text = str(error)
    location = _PATH.search(text)
    path = location["path"] if location else ""
    if mismatch := _MISMATCH.search(text):
        return ApiError(400, path or "body", mismatch["expected"], mismatch["actual"])
    if unknown := _UNKNOWN.search(text):
        return _unknown_key(unknown["name"], path, body)
    if missing := _MISSING.search(text):
        return ApiError(400, f"{path}.{missing['name']}".lstrip("."), "a value", "nothing")
    return ApiError(400, path or "body", "JSON of this endpoint's form", text)


def _unknown_key(name: str, path: str, body: type) -> ApiError:
    """Return the 400 of a key that is not declared at a path such as `items[0].fields[1]`."""
    declared: Any = body
    for step in filter(None, _INDEX.sub("", path).split(".")):
        declared = _struct_in(get_type_hints(declared)[step])
    keys = [field.encode_name for field in msgspec.structs.fields(declared)]
    field = f"{path}.{name}".lstrip(".")[:MAX_VALUE_CHARACTERS]
    expected = f"only the keys {', '.join(keys)}"
    other = "Remove it, or send it in fields." if "fields" in keys else "Remove it."
    return ApiError(400, field, expected, name, hint=did_you_mean(name, keys) or other)


def _struct_in(annotation: Any) -> Any:
    """Return the struct in an annotation such as `list[Candidate] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((s for part in get_args(annotation) if (s := _struct_in(part))), None)
