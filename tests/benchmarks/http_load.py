"""Load on a server: clients that wait for each answer, or requests at a fixed rate."""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import numpy as np

IDLE_SECONDS = 2.0
"""A connection that was idle for longer is not reused: the server may be closing it."""


@dataclass
class Load:
    """Results of some requests.

    Attributes:
        wall: seconds from the first request to the last answer.
        seconds: by status, seconds until each answer, from the instant its request was due.
    """

    wall: float = 0.0
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def latencies(self, status: int = 200) -> list[float]:
        """Return the latencies, in seconds, of the answers with a status."""
        return self.seconds.get(status, [])

    def percentile_ms(self, percent: float, status: int = 200) -> float | None:
        """Return a percentile of the latencies in ms; None without answers."""
        latencies = self.latencies(status)
        return round(float(np.percentile(latencies, percent)) * 1000, 3) if latencies else None


class Client:
    """A client with one persistent connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address, self._path = (parts.hostname, parts.port), parts.path
        self.used_at = 0.0

    async def post(self, body: bytes) -> int:
        """Send a body; return the status after the whole answer has arrived."""
        if not hasattr(self, "_writer"):
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        head = f"POST {self._path} HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head_lines = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head_lines.partition(b"content-length:")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        self.used_at = time.perf_counter()
        return int(head_lines[9:12])

    def close(self) -> None:
        """Close the connection."""
        if hasattr(self, "_writer"):
            self._writer.close()


def closed_loop(url: str, bodies: Sequence[bytes], clients: int, requests: int) -> Load:
    """Let clients send requests; each client waits for an answer before its next request."""
    load, numbers = Load(), count()

    async def work(client: Client) -> None:
        while (n := next(numbers)) < requests:
            await _timed(load, client, bodies[n % len(bodies)], time.perf_counter())

    async def run() -> None:
        open_ = [Client(url) for _ in range(clients)]
        await asyncio.gather(*map(work, open_))
        for client in open_:
            client.close()

    return _run(load, run)


def open_loop(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Send `rate` requests a second at even intervals, without waiting for answers.

    Connections take turns, as those of a load balancer do.  If the last used one came first, a
    process that refuses at once would get most of the requests, and another would have too few.
    """
    load, idle = Load(), deque[Client]()

    async def send(body: bytes, due: float) -> None:
        while idle and time.perf_counter() - idle[0].used_at > IDLE_SECONDS:
            idle.popleft().close()
        client = idle.popleft() if idle else Client(url)
        await _timed(load, client, body, due)
        idle.append(client)

    async def run() -> None:
        started, tasks = time.perf_counter(), []
        for n in range(int(rate * seconds)):
            due = started + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(send(bodies[n % len(bodies)], due)))
        await asyncio.gather(*tasks)
        for client in idle:
            client.close()

    return _run(load, run)


async def _timed(load: Load, client: Client, body: bytes, due: float) -> None:
    status = await client.post(body)
    load.seconds.setdefault(status, []).append(time.perf_counter() - due)


def _run(load: Load, run: Callable[[], Coroutine[None, None, None]]) -> Load:
    gc.collect()
    gc.freeze()  # A full collection of all imported libraries would stop the clients for .2 s.
    started = time.perf_counter()
    asyncio.run(run())
    load.wall = time.perf_counter() - started
    gc.unfreeze()
    return load
