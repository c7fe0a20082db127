"""Split the body of a request into objects: one object, an array, or JSON lines."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from feature_repo.home import EventError

Decoded = TypeVar("Decoded")

_EXPECTED = "UTF-8 JSON: one object, an array of objects, or one object a line"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode_json(data: bytes, field: str = "body", expected: str = "UTF-8 JSON") -> object:
    """Decode one JSON value; NaN and numbers that overflow a float are not JSON.

    Raises:
        EventError: with the decoder's reason.
    """
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise EventError(field, expected, f"{_excerpt(data)} ({error})") from None


def decode_together(
    decode_lines: Callable[[bytes], list[Decoded]], lines: Sequence[bytes]
) -> list[Decoded] | None:
    """Decode lines with one call; None unless each is one valid object and ends with a newline.

    Args:
        decode_lines: of a decoder of JSON objects.
    """
    try:
        values = decode_lines(b"".join(lines))
    except (ValueError, RecursionError):
        return None
    # The decoder would also accept two objects in a line, or one divided between two lines.
    return values if len(values) == len(lines) and all(map(_is_whole, lines)) else None


def _is_whole(line: bytes) -> bool:
    return line[:1] == b"{" and line[-2:] == b"}\n"


def split_body(body: bytes) -> list[object]:
    """Split a body into values that are parsed one by one.

    A line that is not JSON is returned as text, which every parser refuses: one bad event does not
    affect the others. Blank lines are skipped.

    Raises:
        EventError: nothing in the body is JSON; field `body`.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        value = decode_json(body, expected=_EXPECTED)
    except EventError as error:
        return _split_lines(body, error)
    return value if isinstance(value, list) else [value]


def _split_lines(body: bytes, error: EventError) -> list[object]:
    events: list[object] = []
    parsed = 0
    for line in filter(bytes.strip, body.split(b"\n")):
        try:
            events.append(decode_json(line))
            parsed += 1
        except EventError:
            events.append(line.decode(errors="replace"))
    if not parsed:
        raise error
    return events


def _excerpt(data: bytes, limit: int = 60) -> str:
    return data[:limit].decode(errors="replace") + ("…" if len(data) > limit else "")
