"""Connections have limits: the size of a head, the time of a client, and their number."""

import json
import re
import time

import pytest

from serving.http import connections
from serving.http.connections import MAX_HEAD_BYTES, MAX_HEADERS, connection_limit
from tests.scale import seconds
from tests.serving.http.bounded_server import bounded_server, read_all

GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

TOO_LARGE = {
    "one header of 80 MiB": b"GET / HTTP/1.1\r\nX: " + b"a" * (80 << 20),
    "a path without end": b"GET /" + b"a" * (1 << 20),
    "many small headers": b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 500_000,
    "a header name without end": b"GET / HTTP/1.1\r\n" + b"a" * (1 << 20),
    "a header too many": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n",
    "a complete head": b"GET / HTTP/1.1\r\nX: " + b"a" * (MAX_HEAD_BYTES + 9000) + b"\r\n\r\n",
    "the second head": GET % b"/first" + b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20),
}
MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a method of ours": b"RANK / HTTP/1.1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: a\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": POST.replace(b"Host: a", b"Content-Length: 3"),
    "a chunk that is no number": POST + b"ZZ\r\n",
    "a tunnel": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.fixture(scope="module")
def server():
    with bounded_server() as running:
        yield running


@pytest.fixture
def short(monkeypatch):
    """Deadlines of a tenth of a second."""
    for name in ("HEAD_SECONDS", "REST_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(connections, name, 0.1)


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3}) ", answer)]


def eventually(condition):
    deadline = time.monotonic() + seconds(30)
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def has_ended(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_head_beyond_its_limit_is_431(server, short, name):
    answer = server.answer(TOO_LARGE[name])

    assert statuses(answer)[-1] == 431
    error = json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]
    assert error["field"] == "head"
    assert b"connection: close" in answer
    assert b"x-content-type-options: nosniff" in answer


def test_a_head_within_its_limit_is_answered(server):
    head = b"GET / HTTP/1.1\r\nConnection: close\r\nX: " + b"a" * (MAX_HEAD_BYTES - 100)

    assert statuses(server.answer(head + b"\r\n\r\n")) == [200]


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_head_is_400(server, short, name):
    assert statuses(server.answer(MALFORMED[name])) == [400]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a",
        GET % b"/idle",
        b"POST /unread HTTP/1.1\r\nContent-Length: 9\r\n\r\n1",
    ],
)
def test_a_silent_connection_ends(server, short, sent):
    with server.connect(sent) as connection:
        read_all(connection)

    assert eventually(lambda: server.connections == 0)


def send_forever(connection, sent):
    """Send until the server ends the connection; return what it answered."""
    try:
        while True:
            connection.sendall(sent)
    except ConnectionError:
        return read_all(connection)


@pytest.mark.parametrize("drop", [b"\r\n", b"a", b"X: a\r\n"])
def test_a_connection_that_sends_drop_by_drop_ends(server, short, drop):
    with server.connect(b"GET / HTTP/1.1\r\n" if drop != b"\r\n" else b"") as connection:
        connection.settimeout(0.01)
        ended = False
        while not ended:
            try:
                connection.sendall(drop)
                ended = not connection.recv(1)
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True

    assert eventually(lambda: server.connections == 0)


@pytest.mark.parametrize(
    ("begin", "endless"),
    {
        "chunks": (b"", b"100\r\n" + b"a" * 256 + b"\r\n"),
        "an extension of a chunk": (b"1;a=", b"a" * 1000),
        "trailers": (b"0\r\n", b"a: b\r\n" * 100),
        "no chunk": (b"ZZ", b"ZZ"),
    }.values(),
)
def test_a_body_without_end_ends_the_connection_after_the_answer(server, short, begin, endless):
    with server.connect(POST.replace(b"/ ", b"/unread ", 1)) as connection:
        answer = connection.recv(4096)
        connection.sendall(begin)
        answer += send_forever(connection, endless)

    assert statuses(answer) == [200]
    assert eventually(lambda: server.connections == 0)


def test_pipelined_requests_are_answered_in_order(server):
    paths = [f"/{n}".encode() for n in range(2000)]
    answer = server.answer(b"".join(GET % path for path in paths) + LAST)

    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [*paths, b"/last"]


def test_a_request_for_a_websocket_is_answered_without_one(server):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    answer = server.answer(b"GET /socket HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n")

    assert statuses(answer) == [200]


def test_silent_connections_keep_no_client_out(server, monkeypatch):
    monkeypatch.setattr(connections, "connection_limit", lambda: 20)
    silent = [server.connect() for _ in range(200)]

    assert server.answer(LAST).endswith(b"/last")
    assert server.connections <= 20
    assert eventually(lambda: sum(map(has_ended, silent)) >= 180)
    for each in silent:
        each.close()


def test_the_newest_client_is_refused_where_all_others_are_busy(server, monkeypatch):
    monkeypatch.setattr(connections, "connection_limit", lambda: 4)
    assert eventually(lambda: server.connections == 0)
    busy = [server.connect(GET % b"/slow") for _ in range(4)]
    assert eventually(lambda: len(server.server.server_state.tasks) == 4)

    refused = server.answer(b"")
    server.release.set()

    assert statuses(refused) == [429]
    assert b"Retry-After: 1" in refused
    for each in busy:
        assert b"200 OK" in each.recv(4096)
        each.close()


def test_the_limit_of_connections_leaves_descriptors_free():
    assert 8 <= connection_limit() <= connections.MAX_CONNECTIONS
