"""An asyncio client of one Redis server that pipelines the reads of concurrent requests.

redis-py opens the connection, with password, database and TLS.  Replies of hundreds of strings then
go from the socket straight to hiredis; redis-py's layers would double the CPU time.

The server reports on the same connection when a key changes that was read after `CLIENT CACHING
YES`.  It reports a change before it replies to any later command.
https://redis.io/docs/latest/develop/reference/client-side-caching
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from feature_repo.library_internals import close_writer, transport
from feature_repo.online.redis.address import RedisAddress

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OnConnect = Callable[[AbstractConnection], Awaitable[None]]
OnInvalidation = Callable[[Sequence[bytes] | None], None]

_READ_BYTES = 1 << 18
"""Size of the read buffer: the reply to a slate of hundreds of items."""

_START_TRACKING = ("CLIENT", "TRACKING", "ON", "OPTIN"), ("CLIENT", "CACHING", "YES"), ("PING",)
"""Asks the server to report changes.  PING because `CACHING YES` concerns the next command."""

_logger = logging.getLogger(__name__)


class Exchange(Protocol[T_co]):
    """Commands that are sent in one piece, and what to do with their replies.

    Attributes:
        commands: in the Redis protocol.
        reply_count: number of replies to them.
    """

    commands: bytes
    reply_count: int

    def while_waiting(self) -> None:
        """Do work that does not need the replies, while the server works."""

    def parse(self, replies: list[Any]) -> T_co:
        """Return the result; called before any later message of the server is processed.

        Args:
            replies: `reply_count` of them; errors are among them, not raised.
        """


@dataclass
class _Pending:
    """An exchange whose replies are incomplete."""

    exchange: Exchange[Any]
    result: "asyncio.Future[Any]"
    replies: list[Any] = field(default_factory=list)

    def finish(self) -> None:
        """Parse the replies now, because the server's next message may invalidate them."""
        if self.result.done():
            return
        try:
            self.result.set_result(self.exchange.parse(self.replies))
        except Exception as error:
            self.result.set_exception(error)


class _Connection(asyncio.BufferedProtocol):
    """An open connection.  Replies come in the order of commands, so exchanges may overlap."""

    def __init__(self, opened: AbstractConnection, on_invalidation: OnInvalidation) -> None:
        self._on_invalidation = on_invalidation
        # The opened connection closes the transport when it is deleted, so a reference is needed.
        self._opened = opened
        self._transport = transport(opened)
        self._parser = hiredis.Reader(
            replyError=redis.ResponseError, protocolError=redis.InvalidResponse
        )
        self._pending: deque[_Pending] = deque()
        self._buffer = bytearray(_READ_BYTES)
        self._buffer_view = memoryview(self._buffer)
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return not self._transport.is_closing()

    def send(self, exchange: Exchange[T]) -> "asyncio.Future[T]":
        """Send commands and return the future result."""
        pending = _Pending(exchange, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._transport.write(exchange.commands)
        return pending.result

    def close(self) -> None:
        """Close the connection; pending exchanges fail."""
        self._transport.abort()
        close_writer(self._opened)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return the buffer to read into.  TLS slices it; slices of a bytearray would be copies."""
        return self._buffer_view

    def buffer_updated(self, nbytes: int) -> None:
        """Assign complete replies to the pending exchanges in their order."""
        self._parser.feed(cast("bytes", self._buffer), 0, nbytes)
        while (reply := self._parser.gets()) is not False:
            if isinstance(reply, hiredis.PushNotification):
                self._on_invalidation(reply[1] if reply[0] == b"invalidate" else ())
            elif self._pending:
                pending = self._pending[0]
                pending.replies.append(reply)
                if len(pending.replies) == pending.exchange.reply_count:
                    self._pending.popleft().finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail all pending exchanges."""
        self._on_invalidation(None)
        close_writer(self._opened)
        while self._pending:
            result = self._pending.popleft().result
            if not result.done():
                result.set_exception(redis.ConnectionError(f"the connection was lost: {exc}"))


class PipelinedClient:
    """A client of one server, which connects on first use.  It belongs to one event loop."""

    def __init__(
        self,
        address: RedisAddress,
        timeout: float,
        on_connect: OnConnect,
        on_invalidation: OnInvalidation,
    ) -> None:
        """Create a client.

        Args:
            address: of the server.
            timeout: seconds to wait for a connection, and for the replies of an exchange.
            on_connect: finishes a new connection: calls its `on_connect`, and raises a RedisError
                where this is the wrong server.
            on_invalidation: receives the tracked keys that changed; None for all keys, when a
                connection is opened or lost or the server is flushed.
        """
        self._is_tracking = False
        self._on_invalidation = on_invalidation
        self._pool = redis.asyncio.ConnectionPool.from_url(
            address.url,
            protocol=3,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=on_connect,
        )
        self._pool.connection_kwargs["protocol"] = 3  # Overrides the protocol of the URL.
        self._timeout = timeout
        self._connection: _Connection | None = None
        self._opening: asyncio.Task[_Connection] | None = None

    async def send(self, exchange: Exchange[T]) -> T:
        """Send commands in one piece and return the parsed result.

        Raises:
            redis.RedisError: the server does not answer in time; the connection is closed and all
                its exchanges fail.
        """
        connection = await self._connected()
        result = connection.send(exchange)
        try:
            await asyncio.sleep(0)  # The loop sends the commands in its next turn.
            exchange.while_waiting()
            await asyncio.wait([result], timeout=self._timeout)
            if not result.done():
                # The loop itself may be late: first read the bytes that have arrived at the socket.
                await asyncio.wait([result], timeout=self._timeout / 4)
            if not result.done():
                connection.close()
                raise redis.TimeoutError(f"no answer within {self._timeout:g} s")
            return result.result()
        finally:
            result.cancel()  # Nothing awaits the result of an exchange that was given up.

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    async def is_tracking(self) -> bool:
        """Return whether the server reports changes; connects if necessary.

        Raises:
            redis.RedisError: the connection cannot be opened.
        """
        await self._connected()
        return self._is_tracking

    async def _connected(self) -> _Connection:
        connection = self._connection
        if connection is not None and connection.is_open:
            return connection
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._connect())
        # All who wait share one attempt: with an attempt each, a silent server delays the last one
        # by the timeouts of all.  Who stops waiting does not end it for the others.
        return await asyncio.shield(self._opening)

    async def _connect(self) -> _Connection:
        opened = await self._open()
        # An earlier connection may still be closing; its tracked keys are invalid now.
        self._on_invalidation(None)
        self._connection = _Connection(opened, self._on_invalidation)
        return self._connection

    async def _open(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self._timeout):
                self._is_tracking = await _start_tracking(connection)
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise redis.TimeoutError(f"no connection within {self._timeout:g} s") from None
            raise
        return connection


async def _start_tracking(connection: AbstractConnection) -> bool:
    """Connect and start tracking; return False where the server cannot track.

    Servers that only resemble Redis may lack protocol version 3 or `CLIENT TRACKING`.
    """
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except redis.ResponseError as error:
        _logger.warning("items are not cached, because the server cannot track keys: %s", error)
        await connection.disconnect(nowait=True)
        connection.protocol = 2
        await connection.connect()  # type: ignore[no-untyped-call]
        return False
    try:
        for words in _START_TRACKING:
            await connection.send_command(*words)
            await connection.read_response()
    except redis.ResponseError as error:
        _logger.warning("items are not cached, because the server cannot track keys: %s", error)
        return False
    return True
