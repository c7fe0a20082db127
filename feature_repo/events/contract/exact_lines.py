"""Decode many lines at once that are written exactly as the log writes events.

Such a line has canonical keys, ids as text, numbers as numbers and instants in microseconds.  A
decoder derived from `EVENT_KINDS` reads its event without a reader for each value.  It refuses
whatever `parse_canonical` refuses or converts; that function decides on all other lines.  In a
block, `event_time` may be a text in UTC, as most shops write it.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal, Union, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.events.contract.bodies import decode_together
from feature_repo.events.contract.event_kind import EventKind
from feature_repo.events.contract.events import AnyEvent, InteractionEvent, RankingEvent
from feature_repo.events.contract.kinds import EVENT_KINDS, SHOP_KINDS
from feature_repo.events.contract.value_types import ID
from feature_repo.events.contract.values import LARGEST_FIELDS, is_currency

_BAD_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""Escapes of NUL and of halves of surrogate pairs, which no store accepts."""

_ASCII_ESCAPE = re.compile(rb"\\u00[2-7]")
"""Another form of a character that needs none, such as one of a key."""

_UTC_TIME = re.compile(
    rb'"event_time": ?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?)(?:Z|\+00:00)"'
)


def decode_block(text: bytes) -> list[AnyEvent] | None:
    """Return the events of a block of lines; None if another reader must decide on one of them.

    >>> decode_block(b'{"kind":"item","event_id":"e","event_time":1767571200000000,"item_id":"i"}')
    """
    has_escapes = b"\\" in text
    if has_escapes and _BAD_ESCAPE.search(text):
        return None
    try:
        instants = _instants(text)
        lines = text if instants is None else _with_instants(text, instants)
        events = _DECODER.decode_lines(lines)
    except (ValueError, RecursionError):
        return None
    if instants is not None:
        if len(instants) != len(events):
            return None
        _set_utc_offset(events)
    characters = np.frombuffer(text, np.uint8)
    if not _is_line_each(characters, len(events)):
        return None
    spaces = np.flatnonzero(characters == ord(" "))
    follows_quote = bool((characters[spaces - 1] == ord('"')).any())
    may_be_blank = has_escapes or follows_quote or not text.isascii()
    return events if all(_is_exact(event, may_be_blank) for event in events) else None


def _instants(text: bytes) -> list[int] | None:
    """Return the UTC times of a block, µs; None if no line has one.

    A line of the block has one `event_time`, so if that word comes once a time, none is elsewhere.

    Raises:
        ValueError: some are no such times, or the word has another meaning somewhere.
    """
    times = _UTC_TIME.findall(text)
    if not times:
        return None
    if len(times) != text.count(b"event_time") or _ASCII_ESCAPE.search(text):
        raise ValueError("a line has another form")
    instants: list[int] = np.array(times).astype("datetime64[us]").astype(np.int64).tolist()
    return instants


def _with_instants(text: bytes, instants: Sequence[int]) -> bytes:
    following = iter(instants)
    return _UTC_TIME.sub(lambda _: b'"event_time":%d' % next(following), text)


def _set_utc_offset(events: Sequence[AnyEvent]) -> None:
    """Set the offset of a time in UTC, as the parser does, in events that were just decoded."""
    for event in events:
        if getattr(event, "utc_offset_minutes", 0) is None:
            msgspec.structs.force_setattr(event, "utc_offset_minutes", 0)


def _is_line_each(text: npt.NDArray[np.uint8], objects: int) -> bool:
    """Return whether each line is one object, and none is too long.

    Args:
        text: the characters of the lines.
        objects: their number, as decoded; the decoder accepts two in a line, or one in two lines.
    """
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.r_[0, ends[:-1] + 1]
    return (
        ends.size == objects > 0
        and ends[-1] == text.size - 1
        and bool((text[starts] == ord("{")).all() and (text[ends - 1] == ord("}")).all())
        and int((ends - starts).max()) < LARGEST_FIELDS
    )


def decode_exact(lines: Sequence[bytes]) -> list[AnyEvent | None]:
    """Return the event of each line; None where another reader must decide.

    The events are equal to those of `parse_canonical`, and of subclasses of their records.

    >>> decode_exact([b'{"kind":"item","event_id":"e","event_time":1767571200000000,"item_id":"i"}',
    ...               b'{"kind":"item","event_id":"e","event_time":"2026-01-05","item_id":"i"}'])[1]
    """
    text = b"".join(lines)
    together = decode_together(_DECODER.decode_lines, lines)
    events = [*map(_decode_one, lines)] if together is None else [*together]
    if b"\\u" in text:
        events = [
            None if _BAD_ESCAPE.search(line) else event
            for line, event in zip(lines, events, strict=True)
        ]
    if max(map(len, lines), default=0) > LARGEST_FIELDS:
        events = [
            None if len(line) > LARGEST_FIELDS else event
            for line, event in zip(lines, events, strict=True)
        ]
    may_be_blank = b'" ' in text or b'"\\' in text or not text.isascii()
    return [
        event if event is not None and _is_exact(event, may_be_blank) else None for event in events
    ]


def _decode_one(line: bytes) -> AnyEvent | None:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None


def _is_exact(event: AnyEvent, may_be_blank: bool) -> bool:
    """Return whether the values meet the rules that no type of the decoder expresses."""
    if may_be_blank and _has_blank_id(event):
        return False
    if isinstance(event, InteractionEvent):
        has_currency = event.currency is None or is_currency(event.currency)
        return has_currency and event.corrects != event.event_id
    if isinstance(event, RankingEvent):
        return len({item.item_id for item in event.items}) == len(event.items)
    return True


def _has_blank_id(event: AnyEvent) -> bool:
    ids = [getattr(event, name) for name in _IDS[event.kind]]
    if isinstance(event, RankingEvent):
        ids += [item.item_id for item in event.items]
    return any(one is not None and one.isspace() for one in ids)


def _exact_record(kind: EventKind) -> type[msgspec.Struct]:
    """Return a record of the kind with the types of exact values."""
    fields = [_exact_field(kind, info) for info in msgspec.structs.fields(kind.record)]
    return msgspec.defstruct(
        f"Exact{kind.record.__name__}",
        fields,
        bases=(kind.record,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag=kind.name,
    )


def _exact_field(kind: EventKind, info: msgspec.structs.FieldInfo) -> tuple[str, Any, Any]:
    special = {each.field for each in kind.conditions if each.required}
    type_: Any = kind.fields[info.name].type.exact
    if info.name in special:
        type_ = None
    if info.name == "op":
        ops = {op for each in kind.conditions if each.required for op in each.ops}
        type_ = Literal[tuple(op for op in get_args(type_) if op not in ops)]
    if info.required:
        return info.name, type_, msgspec.NODEFAULT
    if info.default_factory is not msgspec.NODEFAULT:
        return info.name, type_, msgspec.field(default_factory=info.default_factory)
    is_nullable = info.default is None and type_ is not None
    return info.name, type_ | None if is_nullable else type_, info.default


_EXACT = tuple(_exact_record(EVENT_KINDS[name]) for name in SHOP_KINDS)
_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(Union[_EXACT])  # noqa: UP007
_IDS = {
    name: tuple(field for field, declared in kind.fields.items() if declared.type is ID)
    for name, kind in EVENT_KINDS.items()
}
