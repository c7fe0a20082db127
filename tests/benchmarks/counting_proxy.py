"""A proxy in front of Redis that counts round trips: requests that follow an answer.

The proxy collects requests for a moment and forwards them together.  A pipeline therefore counts
once, although Redis would begin to answer it before its end arrives.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COLLECT_SECONDS = 0.01
_MAX_BYTES = 1 << 22


@dataclass
class RoundTrips:
    """Round trips by connection, numbered in the order of opening.

    Attributes:
        port: of the proxy.
        trips: number of round trips by connection.
        reads: connections that read slates.
    """

    port: int = 0
    trips: dict[int, int] = field(default_factory=dict)
    reads: set[int] = field(default_factory=set)

    @property
    def of_readers(self) -> int:
        """Round trips of the connections that read slates."""
        return sum(self.trips[connection] for connection in self.reads)


@contextmanager
def counting(host: str, port: int) -> Iterator[RoundTrips]:
    """Run a proxy of a server while the block runs."""
    counted, loop = RoundTrips(), asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(counted.trips)
        counted.trips[number] = 0
        server_reader, server_writer = await asyncio.open_connection(host, port)
        expects_request = [True]

        async def forward() -> None:
            while data := await reader.read(_MAX_BYTES):
                await asyncio.sleep(COLLECT_SECONDS)
                data += await reader.read(_MAX_BYTES) if reader._buffer else b""
                if expects_request[0]:
                    counted.trips[number] += 1
                expects_request[0] = False
                if b"MGET" in data:
                    counted.reads.add(number)
                server_writer.write(data)
            server_writer.close()

        async def backward() -> None:
            while data := await server_reader.read(_MAX_BYTES):
                expects_request[0] = True
                writer.write(data)
            writer.close()

        await asyncio.gather(forward(), backward())

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, limit=_MAX_BYTES))
    counted.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
