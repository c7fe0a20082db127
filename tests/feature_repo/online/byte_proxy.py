"""A TCP proxy in front of Redis that records commands and can delay or replace replies."""

import asyncio
from contextlib import suppress

import hiredis

from tests.redis_addresses import behind


class ByteProxy:
    """Forwards commands to a server, and its replies back.  It belongs to one event loop."""

    def __init__(self, server, before=lambda words: None):
        """Forward to `server`.

        Args:
            server: its address.
            before: receives the words of each command before it is forwarded; bytes that it
                returns are the reply, and the command is not forwarded.
        """
        self.server, self.before = server, before
        self.commands = []
        self._writers = []
        self._paused = None

    async def __aenter__(self):
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = behind(self.server, self._listening.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *error):
        self._listening.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self):
        """Close all connections."""
        while self._writers:
            self._writers.pop().close()

    def pause_replies(self):
        """Buffer the server's replies from now on."""
        self._paused = b""

    async def wait_for_reply(self, text):
        """Wait until the buffered replies contain a text."""
        while text not in self._paused:
            await asyncio.sleep(0)

    def resume_replies(self):
        """Forward the buffered replies of one connection in one piece."""
        self._writers[0].write(self._paused)
        self._paused = None

    async def _serve(self, reader, writer):
        server_reader, server_writer = await asyncio.open_connection(
            self.server.host, self.server.port
        )
        self._writers += [writer, server_writer]
        replies = asyncio.create_task(self._forward_replies(server_reader, writer))
        with suppress(OSError):
            await self._forward_commands(reader, writer, server_writer)
        server_writer.close()
        await replies

    async def _forward_commands(self, reader, writer, server_writer):
        parser = hiredis.Reader()
        while data := await reader.read(1 << 16):
            parser.feed(data)
            while words := parser.gets():
                self.commands.append(words)
                reply = self.before(words)
                if reply is None:
                    server_writer.write(hiredis.pack_command(tuple(words)))
                else:
                    writer.write(reply)

    async def _forward_replies(self, server_reader, writer):
        with suppress(OSError):
            while data := await server_reader.read(1 << 16):
                if self._paused is None:
                    writer.write(data)
                else:
                    self._paused += data
        writer.close()
