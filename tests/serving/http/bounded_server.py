"""A uvicorn server with limited connections and the smallest application, on a real socket."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from serving.http.connections import BoundedConnection
from tests.scale import seconds


@dataclass
class BoundedServer:
    """A running server.

    Attributes:
        port: on loopback.
        release: answers to `/slow` wait for it.
    """

    server: uvicorn.Server
    port: int
    release: threading.Event

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self.server.server_state.connections)

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Return a connection that has sent some bytes."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=seconds(30))
        connection.sendall(sent)
        return connection

    def answer(self, request: bytes) -> bytes:
        """Return everything that the server answers until it closes the connection."""
        with self.connect() as connection:
            with suppress(ConnectionError):  # Of a server that reads no further; it has answered.
                connection.sendall(request)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    with suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@contextmanager
def bounded_server() -> Iterator[BoundedServer]:
    """Run a server until the block ends; it answers a path with the path, after its body."""
    release = threading.Event()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["path"] == "/slow":
            await asyncio.get_running_loop().run_in_executor(None, release.wait)
        elif scope["path"] != "/unread":
            while (await receive()).get("more_body"):
                pass
        path = scope["path"].encode()
        length = [(b"content-length", str(len(path)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": path})

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        config = uvicorn.Config(app, http=BoundedConnection, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield BoundedServer(server, listener.getsockname()[1], release)
        finally:
            release.set()
            server.should_exit = True
            thread.join()
