"""The way to Redis for slates: one connection of an event loop, no thread and no waiting in line.

redis-py opens it, with password, database and TLS.  What is then read for a slate, hundreds of
strings, goes from the socket to the parser without redis-py's layers, which cost as much again.

The server is asked to tell on the same connection when a key changes that was read over it after
`CLIENT CACHING YES`.  It tells so before it answers any question that came after the change.
https://redis.io/docs/latest/develop/reference/client-side-caching
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from feature_repo.online.redis.address import RedisAddress

T = TypeVar("T")
Changed = Callable[[Sequence[bytes] | None], None]
"""Takes the keys that are no longer what they were when they were read; None for all."""

_READ_BYTES = 1 << 18
"""Read at once: a slate of hundreds of items."""

_TRACKED = ("CLIENT", "TRACKING", "ON", "OPTIN"), ("CLIENT", "CACHING", "YES"), ("PING",)
"""Asks the server to tell of changes.  The last, because what precedes it concerns one command."""

_logger = logging.getLogger(__name__)


@dataclass
class _Question:
    """Commands whose answers are awaited."""

    wanted: int
    understand: Callable[[list[Any]], Any]
    told: "asyncio.Future[Any]"
    answers: list[Any] = field(default_factory=list)

    def settle(self) -> None:
        """Tell what the answers mean, now: what the server says next may overturn it."""
        if self.told.done():
            return
        try:
            self.told.set_result(self.understand(self.answers))
        except Exception as error:
            self.told.set_exception(error)


class _Stream(asyncio.BufferedProtocol):
    """Answers come in the order of the questions, so these may follow each other unanswered."""

    def __init__(self, opened: AbstractConnection, changed: Changed) -> None:
        self._changed = changed
        # The connection's own reader must outlive its transport, or it would close that.
        self._opened = cast("Any", opened)
        self._transport: asyncio.Transport = self._opened._writer.transport
        self._parser = hiredis.Reader(
            replyError=redis.ResponseError, protocolError=redis.InvalidResponse
        )
        self._waiting: deque[_Question] = deque()
        self._read = bytearray(_READ_BYTES)
        self._place = memoryview(self._read)
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether questions can be sent."""
        return not self._transport.is_closing()

    def ask(
        self, commands: bytes, answers: int, understand: Callable[[list[Any]], T]
    ) -> "asyncio.Future[T]":
        """Send commands; errors are among their answers."""
        question = _Question(answers, understand, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        self._transport.write(commands)
        return question.told

    def close(self) -> None:
        """Give up what is awaited."""
        self._transport.abort()
        self._opened._close()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where to read to; TLS reads into parts of it, and those of a bytearray are copies."""
        return self._place

    def buffer_updated(self, nbytes: int) -> None:
        """Give whole answers to whom they belong."""
        self._parser.feed(cast("bytes", self._read), 0, nbytes)
        while (answer := self._parser.gets()) is not False:
            if isinstance(answer, hiredis.PushNotification):
                self._changed(answer[1] if answer[0] == b"invalidate" else ())
            elif self._waiting:
                question = self._waiting[0]
                question.answers.append(answer)
                if len(question.answers) == question.wanted:
                    self._waiting.popleft().settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will be told."""
        self._changed(None)
        self._opened._close()
        while self._waiting:
            told = self._waiting.popleft().told
            if not told.done():
                told.set_exception(redis.ConnectionError(f"the connection was lost: {exc}"))


class PipelinedClient:
    """Asks one server, opening the connection when it is needed.  It belongs to one event loop."""

    def __init__(
        self,
        address: RedisAddress,
        timeout: float,
        opened: Callable[[AbstractConnection], Awaitable[None]],
        changed: Changed,
    ) -> None:
        """Ask the server at `address`, and wait `timeout` seconds at most.

        Args:
            address: of the server.
            timeout: for a connection, and for the answers to a question.
            opened: finishes the opening of a connection: calls `on_connect`, raises RedisError
                where this is not the server it should be.
            changed: is told of the keys that changed since they were read, of all where a
                connection is opened or lost.
        """
        self._tells_changes = False
        self._changed = changed
        self._pool = redis.asyncio.ConnectionPool.from_url(
            address.url,
            protocol=3,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=opened,
        )
        self._pool.connection_kwargs["protocol"] = 3  # Whatever the URL asks for.
        self._timeout = timeout
        self._stream: _Stream | None = None
        self._lock = asyncio.Lock()

    async def ask(
        self,
        commands: bytes,
        answers: int,
        understand: Callable[[list[Any]], T],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> T:
        """What commands mean that are sent in one piece.

        Args:
            commands: in the Redis protocol.
            answers: how many there will be, errors among them.
            understand: is given the answers as they come, before anything the server says later.
            meanwhile: work for the time in which the server answers.

        Raises:
            redis.RedisError: the server does not answer in time; nobody who waits is answered then.
        """
        stream = await self._opened()
        told = stream.ask(commands, answers, understand)
        try:
            await asyncio.sleep(0)  # What was written leaves with the loop's next turn.
            meanwhile()
            await asyncio.wait([told], timeout=self._timeout)
            if not told.done():
                # It may be the loop that was late: what lies in the socket by now is read first.
                await asyncio.wait([told], timeout=self._timeout / 4)
            if not told.done():
                stream.close()
                raise redis.TimeoutError(f"no answer within {self._timeout:g} s")
            return told.result()
        finally:
            told.cancel()  # Nobody will look at what becomes of a question that was given up.

    def close(self) -> None:
        """Close the connection, where there is one."""
        if self._stream is not None:
            self._stream.close()

    async def tells_changes(self) -> bool:
        """Whether the server tells when a key changes.

        Raises:
            redis.RedisError: there is no connection, and none can be had.
        """
        await self._opened()
        return self._tells_changes

    async def _opened(self) -> _Stream:
        stream = self._stream
        return await self._open() if stream is None or not stream.is_open else stream

    async def _open(self) -> _Stream:
        async with self._lock:
            if self._stream is None or not self._stream.is_open:
                opened = await self._connected()
                self._changed(None)  # What an earlier one vouched for, though it may still close.
                self._stream = _Stream(opened, self._changed)
            return self._stream

    async def _connected(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self._timeout):
                self._tells_changes = await _greeted(connection)
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise redis.TimeoutError(f"no connection within {self._timeout:g} s") from None
            raise
        return connection


async def _greeted(connection: AbstractConnection) -> bool:
    """Connect; whether the server will tell of changes.  Some that only resemble Redis cannot."""
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except redis.ResponseError as error:
        _logger.warning("every item is read anew at every request: %s", error)
        await connection.disconnect(nowait=True)
        connection.protocol = 2
        await connection.connect()  # type: ignore[no-untyped-call]
        return False
    try:
        for words in _TRACKED:
            await connection.send_command(*words)
            await connection.read_response()
    except redis.ResponseError as error:
        _logger.warning("every item is read anew at every request: %s", error)
        return False
    return True
