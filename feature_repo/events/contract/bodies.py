"""Split what came over the wire into objects: one object, an array, or JSON lines."""

import msgspec

from feature_repo.home import EventError

_EXPECTED = "UTF-8 JSON: one object, an array of objects, or one object a line"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode_json(data: bytes, field: str = "body", expected: str = "UTF-8 JSON") -> object:
    """Decode one JSON value; NaN and numbers that fit no float are no JSON.

    Raises:
        EventError: with the reader's reason.
    """
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise EventError(field, expected, f"{_excerpt(data)} ({error})") from None


def split_body(body: bytes) -> list[object]:
    """Split a body into what may be events, to be parsed singly.

    A line that is no JSON comes back as its text, which no parser takes for an event: it is one
    bad event among others.  Blank lines are nothing.

    Raises:
        EventError: nothing in the body is JSON; field `body`.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        whole = decode_json(body, expected=_EXPECTED)
    except EventError as error:
        return _split_lines(body, error)
    return whole if isinstance(whole, list) else [whole]


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
