"""Hostile requests: no answer is a 5xx, and no acknowledged event is lost."""

import json
import socket

import pytest

from serving.contract import RECOMMEND_SURFACES
from tests.feature_repo.hostile_inputs import HOSTILE
from tests.integration.http.fuzzing import fuzz
from tests.scale import examples, seconds

ITEM = b'{"kind":"item","event_id":"%s","event_time":1767600000,"item_id":"%s"}'
DEEP = 900

TEXTS = {
    "nothing": "",
    "white space": " \t\n ",
    "right to left": "נעליים אדומות عربة",
    "an override of direction": "red \u202e sneaker",
    "emoji": "👟🔴🏽‍🚀",
    "one letter": "a",
    "ten thousand characters": "red sneaker " * 833,
    "ten thousand letters": "x" * 10_000,
    "ten thousand marks": "e" + "\u0301" * 9_999,
    "a thousand words": " ".join(f"w{n}" for n in range(1000)),
    "SQL": "'; drop table items; -- \" or 1=1",
    "a path": "../../../../etc/passwd",
    "a query language": '+title:(red AND *) OR [* TO *]^99 "a b"~5 \\',
    "a regular expression": "(a+)+$ .* [[[",
    "a price beyond numbers": "shoes under 999999999999999999999999",
    "prices against each other": "shoes over 50 under 20",
    "a price alone": "under 50",
    "Chinese": "赤い靴 红鞋",
    "no letters": "!!! ??? ---",
    "a template": "{{7*7}} ${jndi:ldap://x} %s%n",
    "unassigned": "\U000e0001\uffff\ufdd0",
    "Redis": "*1\r\n$8\r\nFLUSHALL\r\n",
}

BODIES = {
    "nothing": b"",
    "white space": b" \n\t ",
    "not JSON": b"hello",
    "half an object": b'{"kind": "item", "event_id": "h1',
    "half an array": b'[{"kind": "item"},',
    "two objects without a line between": b'{"a":1}{"b":2}',
    "a comma too many": b'[{"kind":"item"},]',
    "NaN": b'{"kind":"interaction","event_id":"h2","event_time":NaN}',
    "Infinity": b'[{"value": Infinity}]',
    "minus Infinity": b'[{"value": -Infinity}]',
    "a number beyond any float": b'{"event_time": 1e999}',
    "an integer of a thousand digits": b'{"event_time": ' + b"9" * 1000 + b"}",
    "an integer of ten thousand digits": b'{"event_time": ' + b"9" * 10_000 + b"}",
    "an id of four thousand digits": b'{"kind":"item","event_id":' + b"9" * 4000 + b"}",
    "a half surrogate": b'{"kind":"item","event_id":"\\ud800","event_time":1,"item_id":"a"}',
    "a half surrogate in a key": b'{"\\udc00": 1}',
    "bytes that are no UTF-8": b'{"kind":"item","event_id":"\xff\xfe"}',
    "an overlong encoding": b'{"event_id":"\xc0\xaf"}',
    "UTF-16": '{"kind":"item"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + ITEM % (b"h3", b"a"),
    "NUL in an id": ITEM % (b"h4\\u0000", b"a"),
    "NUL outside": b"\x00" + ITEM % (b"h5", b"a"),
    "an endless nesting": b"[" * 500_000,
    "a nesting of nine hundred": b"[" * DEEP + b"]" * DEEP,
    "objects nested nine hundred deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a nested field": ITEM[:-1] % (b"h6", b"a")
    + b',"fields":{"f":'
    + b"[" * DEEP
    + b"]" * DEEP
    + b"}}",
    "null": b"null",
    "a number": b"3",
    "a text": b'"item"',
    "true": b"true",
    "an empty object": b"{}",
    "an empty array": b"[]",
    "an array of arrays": b"[[[{}]]]",
    "an array of nulls": b"[null, null]",
    "a key twice": b'{"kind":"item","kind":"user","event_id":"h7","event_id":"h8"}',
    "a kind that is a list": b'{"kind": ["item"]}',
    "a kind of ours": b'{"kind":"served","event_id":"h9","event_time":1,"request_id":"r"}',
    "an id that is an object": b'{"kind":"item","event_id":{"$ne":1},"event_time":1,"item_id":"a"}',
    "an id of a megabyte": ITEM % (b"h" * 1_000_000, b"a"),
    "an empty id": ITEM % (b"", b"a"),
    "a blank id": ITEM % (b" ", b"a"),
    "an id with a line end": ITEM % (b"h\\n10", b"a"),
    "an id of commands": ITEM % (b"h11\\r\\nFLUSHALL\\r\\n", b"'; drop table items; --"),
    "a path for an id": ITEM % (b"h12", b"../../../../etc/passwd"),
    "an id of emoji": ITEM % ("h13🦊".encode(), "🦊🏽‍🚀".encode()),
    "a time before time": b'{"kind":"item","event_id":"h14","event_time":-1,"item_id":"a"}',
    "a time in words": b'{"kind":"item","event_id":"h15","event_time":"yesterday","item_id":"a"}',
    "a time of day zero": b'{"kind":"item","event_id":"h16","event_time":"0000-00-00"}',
    "the year ten thousand": b'{"kind":"item","event_id":"h17","event_time":"10000-01-01"}',
    "fields of every wrong type": ITEM[:-1] % (b"h18", b"a")
    + b',"fields":{"price":"dear","title":[1],"category":{"a":1},"brand":[[]],"added_at":[]}}',
    "a field without a name": ITEM[:-1] % (b"h19", b"a") + b',"fields":{"":1}}',
    "ten thousand fields": ITEM[:-1] % (b"h20", b"a")
    + b',"fields":'
    + json.dumps({f"f{n}": n for n in range(10_000)}).encode()
    + b"}",
    "a slate that names an item twice": b'{"kind":"ranking","event_id":"h21",'
    b'"event_time":1767600000,"request_id":"h21","items":["a","a"]}',
    "a slate of thousands": b'{"kind":"ranking","event_id":"h22","event_time":1767600000,'
    b'"request_id":"h22","items":' + json.dumps([str(n) for n in range(5000)]).encode() + b"}",
    "a click on itself": b'{"kind":"interaction","event_id":"h23","event_time":1767600000,'
    b'"item_id":"a","type":"click","corrects":"h23"}',
    "items to be ranked": b'{"items":[{"id":"a"}]}',
    "a field of a wrong type": b'{"items":[{"id":"a","fields":[{"name":"b","value":{"a":[]}}]}]}',
    "a pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94",
    "zipped": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "too much": b'["' + b"x" * 2_000_000 + b'"]',
    "lines of which some are events": b"\n".join(
        [b"{", ITEM % (b"h24", b"a"), b"\xff", b"", ITEM % (b"h25", b"b"), b"3"]
    ),
}


@pytest.mark.parametrize("path", ["/events", "/feedback", "/rank/default"])
@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_not_answered_with_a_5xx(service, name, path):
    response = service.http.post(path, content=BODIES[name])

    answer = response.json()
    assert response.status_code in (200, 207, 400, 413, 422), response.text
    if response.status_code in (400, 413):
        assert list(answer["error"])[:3] == ["field", "expected", "found"]
    elif path != "/rank/default":
        counts = [_number(answer[name]) for name in ("accepted", "duplicate", "quarantined")]
        assert sum(counts) == _sent(BODIES[name])
        assert response.status_code == _status(*counts)


@pytest.mark.parametrize("hostile", [h for h in HOSTILE if not h.file_only], ids=lambda h: h.name)
def test_valid_events_among_hostile_ones_are_accepted_and_the_others_quarantined(service, hostile):
    response = service.http.post("/events", content=hostile.body)

    answer = response.json()
    if response.status_code == 400:
        assert hostile.good == 0
        assert answer["error"]["field"] == "body"
    else:
        bad = len(answer["quarantined"])
        assert response.status_code == _status(answer["accepted"], answer["duplicate"], bad)
        assert answer["accepted"] + answer["duplicate"] == hostile.good
        assert all(one["field"] and one["hint"] for one in answer["quarantined"])
        assert hostile.bad is None or len(answer["quarantined"]) == hostile.bad


@pytest.mark.parametrize("depth", range(940, 1000, 4))
@pytest.mark.parametrize("path", ["/events", "/feedback", "/rank/default"])
def test_deeply_nested_bodies_are_not_answered_with_a_5xx(service, path, depth):
    body = b'[{"kind":"item","event":"item","items":' + b"[" * depth + b"]" * depth + b"}]"

    assert service.http.post(path, content=body).status_code in (200, 207, 400, 422)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /rank/%ff%00%2e%2e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /rank/a?explain=%ff&shown=%00 HTTP/1.0\r\nHost:[::1]\r\nContent-Length: 2\r\n\r\n{}",
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ],
)
def test_hostile_headers_are_not_answered_with_a_5xx(service, head):
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=seconds(10)) as connection:
        connection.sendall(head)
        status = connection.recv(4096).split(b" ")[1]

    assert status.startswith(b"4")


def test_random_requests_are_not_answered_with_a_5xx(service):
    fuzzed = fuzz(service, examples(300))

    assert fuzzed.defects == 0, fuzzed.statuses
    assert {200, 400} <= {*fuzzed.statuses}


def test_the_service_is_healthy_after_all_hostile_requests(service):
    assert service.http.get("/readyz").status_code == 200
    assert service.rank(service.items).json()["degraded"] == []
    assert not [line for line in service.output().splitlines() if "Traceback" in line]


def _status(accepted, duplicate, quarantined):
    if not quarantined:
        return 200
    return 207 if accepted or duplicate else 422


def _number(value):
    return len(value) if isinstance(value, list) else value


def _sent(body):
    """Return how many values of a body may be events."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        whole = json.loads(body)
    except ValueError:
        return len([line for line in body.split(b"\n") if line.strip()])
    return len(whole) if isinstance(whole, list) else 1


@pytest.mark.parametrize("surface", ["search", *RECOMMEND_SURFACES])
@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_not_answered_with_a_5xx(service, surface, name):
    if surface == "search":
        response = service.search(TEXTS[name], user="u00001")
    else:
        response = service.recommend(surface, user=TEXTS[name][:600], market=TEXTS[name][:9])

    assert response.status_code in (200, 400), response.text
    assert response.status_code == 400 or "retrieve" not in response.json()["degraded"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_prefix_is_not_answered_with_a_5xx(service, name):
    response = service.http.get("/autocomplete", params={"q": TEXTS[name][:2000]})

    assert response.status_code == 200, response.text
