"""Lines that are decoded together give the events of the parser, which decides on all others."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import SHOP_KINDS, decode_block, decode_exact, parse_canonical
from feature_repo.events.log import encode_event
from feature_repo.events.log.segments import decode_event
from feature_repo.home import EventError
from tests.scale import examples

TIME = 1_767_571_200_000_000
EXACT = {
    "item": {"item_id": "i", "fields": {"title": "Ärmel", "price": 9, "tags": ["a"], "old": None}},
    "user": {"user_id": "u", "fields": {"member": True}},
    "ranking": {
        "request_id": "r",
        "items": [{"item_id": "i", "score": 1.5, "propensity": 0.5}, {"item_id": "j"}],
        "query": "shoes",
        "seed": 2**63 - 1,
    },
    "interaction": {
        "item_id": "i",
        "type": "purchase",
        "value": 49.9,
        "currency": "EUR",
        "user_id": None,
        "received_at": TIME + 1,
    },
}

_ids = st.sampled_from(["a", " ", " a", "\u2003", "\t", "\x00", "\ud800", "x" * 513, "é", "", 7])
_numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.sampled_from([1e20, 1.1e20, 2**53 + 1, True])
)
_times = st.one_of(
    st.integers(10**13, 10**16),
    st.sampled_from([0, "2026-01-05", 20260105, TIME, float(TIME), 10**14]),
)
_texts = st.one_of(st.text(max_size=5), st.sampled_from(["x" * 2_001, "\x00", "\\u0000"]))
_values = st.recursive(st.one_of(st.none(), _numbers, _texts), lambda v: st.lists(v, max_size=2))
_slots = st.one_of(
    _ids,
    st.fixed_dictionaries(
        {"item_id": _ids}, optional={"score": _values, "propensity": _numbers, "rank": _numbers}
    ),
)
_CHANGES = {
    **dict.fromkeys(
        ("event_id", "item_id", "user_id", "session_id", "request_id", "market", "corrects"), _ids
    ),
    **dict.fromkeys(("event_time", "received_at"), _times),
    **dict.fromkeys(("value", "quantity", "temperature"), st.one_of(_numbers, _texts)),
    **dict.fromkeys(("seed", "utc_offset_minutes"), _numbers),
    "currency": st.sampled_from(["EUR", "eur", "YEN", "LEI", "ABC", "€", "EURO", 1]),
    "op": st.sampled_from(["upsert", "delete", "erase", "link", "merge", "x"]),
    "fields": st.dictionaries(_texts, _values, max_size=3),
    "items": st.lists(_slots, max_size=3),
    "query": _texts,
    "colour": _texts,
}
_changes = st.lists(
    st.sampled_from(sorted(_CHANGES)).flatmap(
        lambda name: st.tuples(st.just(name), _CHANGES[name])
    ),
    max_size=2,
).map(dict)


def event(kind, **changes):
    return {"kind": kind, "event_id": "e", "event_time": TIME, **EXACT[kind], **changes}


def line(raw):
    return json.dumps(raw).encode() + b"\n"


def parsed(raw):
    try:
        return parse_canonical(raw)
    except EventError:
        return None


@pytest.mark.parametrize("kind", SHOP_KINDS)
def test_lines_as_the_log_writes_them_are_decoded_together(kind):
    raw = event(kind)

    (decoded,) = decode_exact([line(raw)])

    assert decode_event(encode_event(decoded)) == parse_canonical(raw)


@given(st.sampled_from(SHOP_KINDS), _changes)
@example("interaction", {"currency": "YEN"})
@example("item", {"fields": {"a": 2**64}})
@example("interaction", {"corrects": "e"})
@settings(max_examples=examples(300), deadline=None)
def test_an_exact_event_is_the_event_of_the_parser(kind, changes):
    raw = event(kind, **changes)

    (decoded,) = decode_exact([line(raw)])

    assert decoded is None or decode_event(encode_event(decoded)) == parsed(raw)


_utc_times = st.one_of(
    st.datetimes().map(lambda at: at.isoformat(timespec="seconds") + "Z"),
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "+00:00"),
    st.from_regex(
        r"[0-3]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{3}){0,3}Z", fullmatch=True
    ),
)


@given(st.lists(st.tuples(st.sampled_from(SHOP_KINDS), _utc_times, _changes), max_size=3))
@example([("item", "2026-01-05T09:00:00Z", {"fields": {"event_time": "2026-01-05T09:00:00Z"}})])
@example([("ranking", "2026-01-05T09:00:00Z", {"event_time": TIME})])
@example([("user", "2026-01-05T09:00:00Z", {"fields": {"event_time": "2026-01-05T09:00:00Z"}})] * 2)
@settings(max_examples=examples(300), deadline=None)
def test_a_block_with_times_in_utc_has_the_events_of_the_parser(drawn):
    raw = [event(kind, **{"event_time": time, **changes}) for kind, time, changes in drawn]

    decoded = decode_block(b"".join(map(line, raw)))

    again = None if decoded is None else [decode_event(encode_event(one)) for one in decoded]
    assert again is None or again == [*map(parsed, raw)]


@pytest.mark.parametrize("kind", SHOP_KINDS)
@pytest.mark.parametrize("time", ["2026-01-05T09:00:00Z", "2026-01-05T09:00:00.123456+00:00"])
def test_lines_with_times_in_utc_are_decoded_together(kind, time):
    raw = event(kind, event_time=time)

    first, second = decode_block(line(raw) * 2)

    decoded = [decode_event(encode_event(one)) for one in (first, second)]
    assert decoded == [parse_canonical(raw)] * 2


def test_a_time_inside_the_fields_stays_a_text():
    raw = line(event("user", event_time=0, fields={"event_time": "2026-01-05T09:00:00Z"}))
    escaped = raw.replace(b'"event_time": 0', b'"\\u0065vent_time": 1767603600000000')

    assert decode_block(escaped) is None


@pytest.mark.parametrize(
    "other",
    [
        line(event("item", event_time="2026-01-05")),
        b"\n",
        b"{}\n",
        b"[1]\n",
        line(event("user"))[:-1] + b" " + line(event("user")),
        line(event("item"))[:-1],
        b'{"kind":"item","event_id":"\xff"}\n',
    ],
)
def test_another_line_leaves_its_neighbours_as_they_are(other):
    lines = [line(event("item", item_id="first")), other, line(event("item", item_id="last"))]

    first, *_, last = decode_exact(lines)

    assert (first.item_id, last.item_id) == ("first", "last")


def test_an_object_that_is_divided_between_lines_is_no_event():
    half = line(event("item")).replace(b", ", b",\n", 1).splitlines(keepends=True)

    assert decode_exact([*half, line(event("item"))])[:2] == [None, None]
