"""Requests at a server, by clients that wait for their answers, or by the clock whether or not."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import numpy as np

IDLE_SECONDS = 2.0
"""A connection that was idle for longer is not used again: the server may be closing it."""


@dataclass
class Load:
    """What became of some requests.

    Attributes:
        wall: seconds from the first request to the last answer.
        seconds: by status, how long each answer took, from the instant it was due to be asked.
    """

    wall: float = 0.0
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def took(self, status: int = 200) -> list[float]:
        """Seconds of the answers with a status."""
        return self.seconds.get(status, [])

    def percentile_ms(self, percent: float, status: int = 200) -> float | None:
        """A percentile of these, ms; None where there are none."""
        took = self.took(status)
        return round(float(np.percentile(took, percent)) * 1000, 3) if took else None


class Client:
    """One connection, kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address, self._path = (parts.hostname, parts.port), parts.path
        self.used_at = 0.0

    async def post(self, body: bytes) -> int:
        """Send a body; the status, once the whole answer is there."""
        if not hasattr(self, "_writer"):
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        head = f"POST {self._path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        told = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(told.partition(b"content-length:")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        self.used_at = time.perf_counter()
        return int(told[9:12])

    def close(self) -> None:
        """Close it."""
        if hasattr(self, "_writer"):
            self._writer.close()


def closed_loop(url: str, bodies: Sequence[bytes], clients: int, requests: int) -> Load:
    """So many clients send so many requests altogether, each the next when it has its answer."""
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
    """So many requests a second are sent, at even distances, however long answers take."""
    load, idle = Load(), list[Client]()

    async def ask(body: bytes, due: float) -> None:
        while idle and time.perf_counter() - idle[-1].used_at > IDLE_SECONDS:
            idle.pop().close()
        client = idle.pop() if idle else Client(url)
        await _timed(load, client, body, due)
        idle.append(client)

    async def run() -> None:
        began, tasks = time.perf_counter(), []
        for n in range(int(rate * seconds)):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(ask(bodies[n % len(bodies)], due)))
        await asyncio.gather(*tasks)
        for client in idle:
            client.close()

    return _run(load, run)


async def _timed(load: Load, client: Client, body: bytes, due: float) -> None:
    status = await client.post(body)
    load.seconds.setdefault(status, []).append(time.perf_counter() - due)


def _run(load: Load, run: Callable[[], Coroutine[None, None, None]]) -> Load:
    began = time.perf_counter()
    asyncio.run(run())
    load.wall = time.perf_counter() - began
    return load
