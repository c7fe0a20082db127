"""A way to Redis that notes what is asked, and lets a test act before Redis hears of it."""

import asyncio
from contextlib import suppress

import hiredis

from feature_repo.online.redis import RedisAddress


class ByteProxy:
    """Passes commands on to a server, and what that says back.  It belongs to one event loop."""

    def __init__(self, server, before=lambda words: None):
        """Pass on to `server`.

        Args:
            server: where it listens.
            before: is given the words of each command before it is passed on; where it returns
                bytes, these are the answer and nothing is passed on.
        """
        self.server, self.before = server, before
        self.asked = []
        self._writers = []
        self._held = None

    async def __aenter__(self):
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = RedisAddress.local(self._listening.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *error):
        self._listening.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self):
        """End all connections."""
        while self._writers:
            self._writers.pop().close()

    def hold(self):
        """Keep back what the server says."""
        self._held = b""

    async def holds(self, text):
        """Wait for the server to have said a text."""
        while text not in self._held:
            await asyncio.sleep(0)

    def release(self):
        """Pass on all at once what was kept back of one connection."""
        self._writers[0].write(self._held)
        self._held = None

    async def _serve(self, reader, writer):
        theirs, ours = await asyncio.open_connection(self.server.host, self.server.port)
        self._writers += [writer, ours]
        back = asyncio.create_task(self._back(theirs, writer))
        with suppress(OSError):
            await self._forth(reader, writer, ours)
        ours.close()
        await back

    async def _forth(self, reader, writer, ours):
        parser = hiredis.Reader()
        while data := await reader.read(1 << 16):
            parser.feed(data)
            while words := parser.gets():
                self.asked.append(words)
                answer = self.before(words)
                if answer is None:
                    ours.write(hiredis.pack_command(tuple(words)))
                else:
                    writer.write(answer)

    async def _back(self, theirs, writer):
        with suppress(OSError):
            while data := await theirs.read(1 << 16):
                if self._held is None:
                    writer.write(data)
                else:
                    self._held += data
        writer.close()
