"""Inputs of a shop, a broken exporter or an attacker: one table, for files and for HTTP.

Each input declares the number of its good events.  All other input must be rejected with a
reason, never lost, and must not affect the events next to it.
"""

import gzip
import json
from dataclasses import dataclass

GOOD_TIME = "2021-11-15T12:00:00Z"


@dataclass(frozen=True)
class HostileInput:
    """The bytes of one input, and the number of good events in them.

    Attributes:
        name: its defect.
        body: the bytes.
        good: events that must be accepted.
        bad: number of rejected parts; None if only "at least 1" matters.
        file_only: whether it is sent as a file only, such as compressed input.
    """

    name: str
    body: bytes
    good: int = 0
    bad: int | None = 1
    file_only: bool = False


def interaction(event_id="e1", **changes):
    """A good canonical interaction, changed; a value of ... omits the key."""
    event = {
        "kind": "interaction",
        "event_id": event_id,
        "event_time": GOOD_TIME,
        "item_id": "i1",
        "type": "click",
    }
    return {k: v for k, v in {**event, **changes}.items() if v is not ...}


def ranking(**changes):
    """A good canonical ranking, changed."""
    event = {
        "kind": "ranking",
        "event_id": "r1",
        "event_time": GOOD_TIME,
        "request_id": "r1",
        "items": ["i1", "i2"],
    }
    return {**event, **changes}


def item(**changes):
    """A good canonical item, changed."""
    event = {"kind": "item", "event_id": "i1", "event_time": GOOD_TIME, "item_id": "i1"}
    return {**event, **changes}


def line(event) -> bytes:
    """One JSON line."""
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def one(name, event, **more) -> HostileInput:
    """An input that is one bad event."""
    return HostileInput(name, line(event), **more)


GOOD = line(interaction("good"))

_VALUES = [
    one("no kind", {"event_id": "e"}),
    one("unknown kind", interaction(kind="view")),
    one("kind is a list", interaction(kind=["item"])),
    one("a kind only the platform writes", interaction(kind="served")),
    one("misspelt key", interaction(itemid="i1")),
    one("no event id", interaction(event_id=...)),
    one("null event id", interaction(event_id=None)),
    one("empty event id", interaction(event_id="")),
    one("blank event id", interaction(event_id=" \t ")),
    one("boolean item id", interaction(item_id=True)),
    one("float item id", interaction(item_id=1.5)),
    one("item id with NUL", interaction(item_id="a\0b")),
    one("item id of 513 characters", interaction(item_id="x" * 513)),
    one("item id is an object", interaction(item_id={"$ne": None})),
    one("item id is an integer of 600 digits", interaction(item_id=int("9" * 600))),
    one("no time", interaction(event_time=...)),
    one("time is no time", interaction(event_time="yesterday")),
    one("time is a boolean", interaction(event_time=True)),
    one("time is a list", interaction(event_time=[2021, 11, 15])),
    one("negative time", interaction(event_time=-5)),
    one("time beyond 2100", interaction(event_time=10**17)),
    one("time of an impossible day", interaction(event_time="2021-02-30T00:00:00Z")),
    one("time in the future", interaction(event_time="2099-01-01T00:00:00Z")),
    one("received in the future", interaction(received_at="2099-01-01T00:00:00Z"), file_only=True),
    one("value has no meaning as a number", interaction(value="twelve")),
    one("value has two meanings", interaction(value="1,299")),
    one("value beyond every amount", interaction(value=1.7e308)),
    one("currency is no code", interaction(value=1, currency="money")),
    one("value beyond any float", interaction(value=10**400)),
    one("type is missing", interaction(type=...)),
    one("type is null", interaction(type=None)),
    one("ranking without items that was not served here", ranking(items=None)),
    one("ranking of no items and no query", ranking(items=[])),
    one("ranking of no items and a blank query", ranking(items=[], query=" ")),
    one("ranking with a query that leaves out its items", ranking(items=None, query="shoes")),
    one("ranking with an item twice", ranking(items=["i1", "i1"])),
    one("ranking of null", ranking(items=[None])),
    one("ranking item with a misspelt key", ranking(items=[{"id": "i1"}])),
    one("ranking is a text", ranking(items="i1,i2")),
    one("temperature below zero", ranking(temperature=-1)),
    one("seed of 64 bits", ranking(seed=2**63)),
    one("seed with a fraction", ranking(seed=1.5)),
    one("propensity above one", ranking(items=[{"item_id": "i1", "propensity": 2}])),
    one("score is text", ranking(items=[{"item_id": "i1", "score": "high"}])),
    one("offset of a year", ranking(utc_offset_minutes=525_600)),
    one("fields is a list", item(fields=[{"name": "title", "value": "x"}])),
    one("field within a field", item(fields={"size": {"width": 3}})),
    one("list within a list", item(fields={"tags": [["a"]]})),
    one("list with null", item(fields={"tags": ["a", None]})),
    one("field with NUL", item(fields={"title": "a\0b"})),
    HostileInput("half a surrogate pair", line(item()).replace(b'"i1"}', b'"i1\\ud800"}')),
    one("unknown op", item(op="replace")),
]
_FORMS = [
    HostileInput("a number", b"42\n"),
    HostileInput("null", b"null\n"),
    HostileInput("a text", b'"click"\n'),
    HostileInput("not JSON", b"click,i1,2021-11-15\n"),
    HostileInput("half an object", b'{"kind": "interaction", "event_id": \n'),
    HostileInput("NaN", line(interaction(value=1)).replace(b'"value": 1', b'"value": NaN')),
    HostileInput("1e999", line(interaction(value=1)).replace(b'"value": 1', b'"value": 1e999')),
    HostileInput("bad UTF-8", b'{"kind": "item", "event_id": "\xff\xfe"}\n'),
    HostileInput("UTF-16", json.dumps(interaction()).encode("utf-16"), bad=None),
    HostileInput("NUL bytes", b"\0" * 1_000 + b"\n"),
    HostileInput("deep nesting", b"[" * 100_000 + b"\n"),
    HostileInput("deep nesting in an object", b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"\n"),
    HostileInput("an integer of 5,000 digits", b'{"kind": ' + b"9" * 5_000 + b"}\n"),
    HostileInput("a line of 5 MB", b'{"kind": "' + b"x" * 5_000_000 + b'"}\n', file_only=True),
    HostileInput("HTML", b"<html><body>502 Bad Gateway</body></html>\n"),
    HostileInput(
        "Windows line ends and a byte order mark",
        b"\xef\xbb\xbf" + GOOD.rstrip() + b"\r\n" + line(interaction("g2")).rstrip() + b"\r\n",
        good=2,
        bad=0,
    ),
    HostileInput("no newline at the end", GOOD.rstrip(), good=1, bad=0),
    HostileInput("blank lines", b"\n\n" + GOOD + b"\n  \n", good=1, bad=0),
    HostileInput("a key twice", b'{"kind": "item", ' + GOOD.lstrip(b"{"), good=1, bad=0),
    HostileInput(
        "a bad line between good ones", GOOD + b"{broken\n" + line(interaction("g2")), good=2
    ),
    HostileInput("a torn last line", GOOD + b'{"kind": "inter', good=1),
    HostileInput(
        "an array with bad elements",
        json.dumps([interaction("g1"), None, 7, interaction("g2")]).encode(),
        good=2,
        bad=2,
    ),
    HostileInput("an empty search", line(ranking(items=[], query="x")), good=1, bad=0),
    HostileInput("integers for ids", line(interaction(99114, item_id=7)), good=1, bad=0),
    HostileInput("an item called __proto__", line(item(item_id="__proto__")), good=1, bad=0),
    HostileInput(
        "SQL in a field", line(item(fields={"'; drop table items; --": "x"})), good=1, bad=0
    ),
]
_FILES = [
    HostileInput("truncated gzip", gzip.compress(GOOD * 2_000)[:-20], bad=None, file_only=True),
    HostileInput(
        "gzip with a flipped byte", gzip.compress(GOOD)[:-6] + b"\0" * 6, good=1, file_only=True
    ),
    HostileInput("gzip of nothing but a header", b"\x1f\x8b", file_only=True),
    HostileInput("gzip of garbage", b"\x1f\x8b\x08" + b"\xff" * 50, file_only=True),
    HostileInput("truncated Parquet", b"PAR1" + b"\0" * 100, file_only=True),
    HostileInput("an empty file", b"", bad=0, file_only=True),
]

HOSTILE = [*_VALUES, *_FORMS, *_FILES]
