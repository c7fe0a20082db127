"""A request without a slot or a valid key is refused before a layer of the application sees it."""

import json

import pytest

from feature_repo.home import ApiKeys
from serving.access import Authentication, ConcurrencyLimit
from serving.http.connections import BoundedConnection
from serving.http.endpoints import ENDPOINTS
from serving.http.overload import Overload
from serving.state import WatchedFile
from tests.serving.http.bounded_server import bounded_server, read_all
from tests.serving.http.test_connections import LAST, statuses

SEARCH = b"POST /search HTTP/1.1\r\nHost: localhost\r\n%bContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b"POST /search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)


@pytest.fixture
def authentication(tmp_path):
    """The authentication of a home without keys."""
    return Authentication(WatchedFile("keys", tmp_path / "keys", ApiKeys.load, None))


@pytest.fixture
def limit(monkeypatch, authentication):
    """A limit of one answer at once."""
    limit = ConcurrencyLimit("answers", running=1, waiting=0)
    overload = Overload(ENDPOINTS, {"answers": limit, "events": limit}, authentication)
    monkeypatch.setattr(BoundedConnection, "take_slot", overload)
    return limit


@pytest.fixture(scope="module")
def server():
    """A server whose application answers everything with 200."""
    with bounded_server() as running:
        yield running


def test_a_request_without_a_slot_is_429_and_its_connection_goes_on(server, limit):
    limit.take()

    answer = server.answer(SEARCH % b"" + SEARCH % b"" + LAST)

    assert statuses(answer) == [429, 429, 200]
    assert answer.count(b"Retry-After: 1\r\n") == 2
    body = answer.split(b"\r\n\r\n")[1].partition(b"HTTP/1.1")[0]
    assert json.loads(body)["error"]["field"] == "capacity"


@pytest.mark.parametrize("header", [b"Connection: close\r\n", b"Connection: Close\r\nX: 1\r\n"])
def test_a_refused_request_may_end_its_connection(server, limit, header):
    limit.take()

    assert statuses(server.answer(SEARCH % header)) == [429]


def test_an_answered_request_gives_its_slot_back(server, limit):
    assert statuses(server.answer(SEARCH % b"" * 5 + LAST)) == [200] * 6

    limit.take()


def test_requests_that_take_no_slot_are_answered(server, limit):
    limit.take()
    others = [b"GET /models HTTP/1.1\r\nHost: a\r\n\r\n", SEARCH.replace(b"POST", b"PUT") % b""]

    assert statuses(server.answer(b"".join(others) + LAST)) == [200] * 3


def test_the_request_of_a_page_reaches_the_layer_that_adds_headers_for_pages(server, limit):
    limit.take()

    answer = server.answer(SEARCH % b"Origin: https://a.example\r\n" + LAST)

    assert statuses(answer) == [200, 200]


def test_an_unfinished_body_takes_no_slot(server, limit):
    with server.connect(CHUNKED) as slow:
        assert statuses(server.answer(SEARCH % b"" + LAST)) == [200, 200]

        slow.sendall(b"0\r\n\r\n" + LAST)
        assert statuses(read_all(slow)) == [200, 200]
    limit.take()


def test_a_request_without_a_valid_key_takes_no_slot(server, limit, authentication, monkeypatch):
    taken = []
    monkeypatch.setattr(limit, "take", lambda: taken.append("slot"))
    authentication.keys.value, other = ApiKeys().with_new("sender", ["events"])

    none, wrong, other_scope = (SEARCH % key for key in (b"", *map(_with_key, ("a", other))))
    refused = server.answer(none + wrong + other_scope + LAST)

    assert statuses(refused) == [401, 401, 403, 200]
    assert b"WWW-Authenticate: Bearer\r\n" in refused
    assert taken == []


def test_a_key_pays_its_rate_once_and_takes_no_slot_above_it(server, limit, authentication):
    authentication.seconds = lambda: 0.0
    authentication.keys.value, secret = ApiKeys().with_new("shop", ["answers"], rate=2.0)

    answered = server.answer((SEARCH % _with_key(secret)) * 3 + LAST)

    assert statuses(answered) == [200, 200, 429, 200]
    assert b'"field":"rate"' in answered
    limit.take()


def test_a_request_to_a_foreign_host_takes_no_slot(server, limit):
    assert statuses(server.answer(SEARCH.replace(b"localhost", b"a") % b"" + LAST)) == [403, 200]

    limit.take()


def _with_key(secret):
    return f"Authorization: Bearer {secret}\r\n".encode()
