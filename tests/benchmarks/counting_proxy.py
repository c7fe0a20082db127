"""A proxy before Redis that counts round trips: how often somebody asked after having been told.

What comes is held for a moment and passed on together, so that a pipeline, which Redis would begin
to answer before its end arrives, counts once.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HELD_SECONDS = 0.01
_MOST = 1 << 22


@dataclass
class RoundTrips:
    """By connection, in the order in which they were opened.

    Attributes:
        port: where the proxy listens.
        trips: round trips of each.
        reads: of each, whether it reads slates.
    """

    port: int = 0
    trips: dict[int, int] = field(default_factory=dict)
    reads: set[int] = field(default_factory=set)

    @property
    def of_readers(self) -> int:
        """Round trips of the connections over which slates are read."""
        return sum(self.trips[connection] for connection in self.reads)


@contextmanager
def counting(host: str, port: int) -> Iterator[RoundTrips]:
    """Pass everything on to a server and back while the block runs."""
    counted, loop = RoundTrips(), asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(counted.trips)
        counted.trips[number] = 0
        theirs, ours = await asyncio.open_connection(host, port)
        asks = [True]

        async def forth() -> None:
            while data := await reader.read(_MOST):
                await asyncio.sleep(HELD_SECONDS)
                data += await reader.read(_MOST) if reader._buffer else b""
                if asks[0]:
                    counted.trips[number] += 1
                asks[0] = False
                if b"MGET" in data:
                    counted.reads.add(number)
                ours.write(data)
            ours.close()

        async def back() -> None:
            while data := await theirs.read(_MOST):
                asks[0] = True
                writer.write(data)
            writer.close()

        await asyncio.gather(forth(), back())

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, limit=_MOST))
    counted.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
