"""Random requests over raw sockets, and a client that watches `/livez` meanwhile."""

import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain

import httpx

from tests.integration.http.small_shop import Service
from tests.scale import seconds

MAX_CHANGES = 6
CLIENTS = 8
ANSWER_SECONDS = 3.0

LAST = b"\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

HEADS = (
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /users/u00001 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    b"GET /autocomplete?q=red&count=8 HTTP/1.0\r\nHost: localhost\r\n\r\n",
    b"DELETE /users/fuzzed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    b"POST /events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\n{}\r\n0\r\n\r\n",
)
BODIES = {
    b"/rank/default": (
        b'{"user":"u00001","items":[{"id":"i00001"},{"id":"i00002"}],"fields":[]}',
        b'{"session":"s","items":[{"id":"a","fields":[{"name":"price","value":1e9}]}]}',
    ),
    b"/search": (b'{"query":"red shoes under 50","user":"u00001","filters":{"price":{"max":9}}}',),
    b"/recommend/home": (b'{"user":"u00001","count":5,"items":["i00001"]}',),
    b"/events": (
        b'[{"kind":"interaction","event_id":"fuzz-%d","event_time":1767600000,"type":"click",'
        b'"item_id":"i00001","user_id":"u00001"}]',
        b'{"kind":"item","event_id":"fuzz-%d","event_time":1767600000,"item_id":"f","fields":{}}',
        b'{"kind":"ranking","event_id":"fuzz-%d","event_time":1767600000,"request_id":"f","items":'
        b'["i00001","i00002"]}',
        b'{"kind":"user","event_id":"fuzz-%d","event_time":1767600000,"user_id":"f","op":"link"}',
    ),
    b"/feedback": (
        b'{"event":"interaction","id":"fuzz-%d","type":"click","timestamp":"1769385540000",'
        b'"user":"u00001","item":"i00002"}',
    ),
}
PARTS = (
    *(b"\r\n", b"\0", b"\xff", b"{", b"]", b'"', b":", b"%00", b"../"),
    *(b"9" * 40, b"\xed\xa0\x80", b"1e999", b"null"),
)


@dataclass
class Fuzzed:
    """What a service did with random requests.

    Attributes:
        statuses: of the answers; 0 where a connection ended without one.
        slowest_livez: seconds.
        grown_mb: memory of the processes after the last quarter, minus that after the first.
    """

    statuses: Counter[int]
    slowest_livez: float
    grown_mb: float

    @property
    def defects(self) -> int:
        """Number of answers with a 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)


def fuzz(service: Service, requests: int, seed: int = 0) -> Fuzzed:
    """Send random requests from some clients, each request on a connection of its own."""
    statuses: Counter[int] = Counter()

    def send(number: int) -> list[int]:
        return answered(service, request_of(random.Random(f"{seed}-{number}"), number))

    quarter = requests // 4
    with ThreadPoolExecutor(CLIENTS) as pool, watched_livez(service) as slowest:
        statuses.update(chain.from_iterable(pool.map(send, range(quarter))))
        before = memory(service)
        statuses.update(chain.from_iterable(pool.map(send, range(quarter, requests))))
        grown = memory(service) - before
    return Fuzzed(statuses, max(slowest), grown)


def request_of(rng: random.Random, number: int) -> bytes:
    """Return a request with some random changes, of its head, its body, or both."""
    if rng.random() < 0.4:
        return changed(rng, rng.choice(HEADS))
    path = rng.choice([*BODIES])
    body = rng.choice(BODIES[path]).replace(b"%d", str(number).encode())
    body = changed(rng, body) if rng.random() < 0.8 else body
    lines = [b"POST %b HTTP/1.1" % path, b"Host: localhost", b"Content-Length: %d" % len(body)]
    head = b"\r\n".join([*lines, b"", b""])
    return (changed(rng, head) if rng.random() < 0.3 else head) + body


def changed(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with some of them replaced, removed, repeated or added."""
    edited = bytearray(content)
    for _ in range(rng.randint(1, MAX_CHANGES)):
        start = rng.randrange(len(edited) + 1)
        end = min(len(edited), start + rng.choice((0, 1, 1, 4, 20)))
        repeated = bytes(edited[start:end]) * rng.choice((2, 50))
        edited[start:end] = rng.choice((b"", rng.choice(PARTS), rng.randbytes(3), repeated))
    return bytes(edited)


def answered(service: Service, request: bytes) -> list[int]:
    """Send a request, and a last one that ends the connection; return the statuses of the answers.

    A request whose body is not complete even with the last one gets no answer in time.
    """
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    received = b""
    with socket.create_connection(address, timeout=ANSWER_SECONDS) as connection:
        with suppress(OSError):
            connection.sendall(request + LAST)
        with suppress(OSError):
            while chunk := connection.recv(65536):
                received += chunk
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)] or [0]


@contextmanager
def watched_livez(service: Service) -> Iterator[list[float]]:
    """Call `/livez` on a new connection again and again; yield the seconds of each call."""
    took, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            started = time.perf_counter()
            with httpx.Client(base_url=service.url, timeout=seconds(30), trust_env=False) as http:
                assert http.get("/livez").status_code == 200
            took.append(time.perf_counter() - started)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield took
        finally:
            ended.set()
            watching.result()


def memory(service: Service) -> float:
    """Return the resident memory of the processes of a service, MB."""
    return sum(each.memory_info().rss for each in service.workers) / 2**20
