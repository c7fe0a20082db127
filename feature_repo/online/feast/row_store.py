"""Reads and writes rows in Redis: one server, Sentinel's master, or a cluster.

Every call has a deadline, and one circuit breaker watches all calls.  With one server the deadline
is the socket timeout.  Clients of a cluster or Sentinel may contact several servers in turn, so
there the deadline applies to the whole read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisClusterException

from feature_repo.home import RedisError
from feature_repo.online.redis import Breaker, Script, glob, resp

ROWS_PER_CALL = 256
"""Rows per call of the script, which blocks the server for about 0.5 ms."""

CALLS_PER_TRIP = 16
CALLS_PER_CLUSTER_TRIP = 256
"""More than on one server, because a call stores rows of one slot only."""

KEYS_PER_SCAN = 1000
READS_AT_ONCE = 64

Client = Any
"""`redis.Redis` or `redis.cluster.RedisCluster`, synchronous or asynchronous."""

Connect = Callable[[], Client]
"""Returns the client; the first call may have to discover the servers."""

ConnectAsync = Callable[[], Awaitable[Client]]

_SCRIPT = Script.load("rows")

Call = TypeVar("Call")


@dataclass(frozen=True)
class Rows:
    """N keys, in any order and perhaps repeated, and N strings to store.

    Both are of type `resp.BYTES` without nulls.
    """

    keys: pa.Array
    values: pa.Array

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size(self) -> int:
        """Total bytes of keys and strings."""
        return sum(pc.sum(pc.binary_length(c)).as_py() or 0 for c in (self.keys, self.values))

    def part(self, start: int) -> "Rows":
        """Return the rows of one call."""
        return Rows(self.keys.slice(start, ROWS_PER_CALL), self.values.slice(start, ROWS_PER_CALL))

    def by(self, group: Callable[[bytes], int]) -> "Iterator[Rows]":
        """Split the rows by a function of their keys."""
        groups = [*map(group, self.keys.to_pylist())]
        order = sorted(range(len(self)), key=groups.__getitem__)
        for _, indexes in groupby(order, key=groups.__getitem__):
            positions = pa.array([*indexes])
            yield Rows(self.keys.take(positions), self.values.take(positions))


@dataclass
class RowStore:
    """Calls to Redis through a circuit breaker.

    Attributes:
        breaker: checked before each call.
        deadline_seconds: of a whole read; None where socket timeouts suffice.
    """

    breaker: Breaker = field(default_factory=Breaker)
    deadline_seconds: float | None = None
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(READS_AT_ONCE), repr=False
    )

    def get(self, connect: Connect, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the strings of N keys, in one round trip; None for a missing key.

        Raises:
            RedisError: the server does not answer in time, or the breaker is open.
        """
        if not keys:
            return []
        with self.watched():
            return self._in_time(lambda: _mget(connect())(keys))

    async def get_async(self, connect: ConnectAsync, keys: Sequence[bytes]) -> list[bytes | None]:
        """Like `get`, asynchronous."""
        if not keys:
            return []
        with self.watched():
            async with asyncio.timeout(self.deadline_seconds):
                values: list[bytes | None] = await _mget(await connect())(keys)
                return values

    def store(self, connect: Connect, rows: Rows, *, expiry: int, horizon: int) -> int:
        """Store rows unless newer ones are stored, each atomically.

        Args:
            connect: to a client whose timeout leaves room for `CALLS_PER_TRIP` calls.
            rows: what to store.
            expiry: seconds after which they expire; 0 for never.
            horizon: µs; times beyond it are mistakes.

        Returns:
            The number of rows stored.

        Raises:
            RedisError: the server refuses, or does not answer in time; some may be stored.
        """
        with self.watched():
            client = connect()
            if _is_cluster(client):
                return _store_in_cluster(client, rows, expiry, horizon)
            starts: Sequence[int] = range(0, len(rows), ROWS_PER_CALL)
            if not expiry and _are_new(client, rows):
                starts = [*_set_new(client, rows)]
            remaining = sum(len(rows.part(start)) for start in starts)
            return len(rows) - remaining + _store(client, rows, starts, expiry, horizon)

    async def store_async(
        self, connect: ConnectAsync, rows: Rows, *, expiry: int, horizon: int
    ) -> int:
        """Like `store`, asynchronous."""
        with self.watched():
            client = await connect()
            return sum(
                [
                    await client.eval(_SCRIPT.text, *_call(part, expiry, horizon))
                    for part in _parts(client, rows)
                ]
            )

    def delete(self, connect: Connect, prefix: bytes) -> int:
        """Delete every key with a prefix; return how many.

        Raises:
            RedisError: the server does not answer in time.
        """
        with self.watched():
            client = connect()
            keys = [*client.scan_iter(match=glob(prefix), count=KEYS_PER_SCAN)]
            size = 1 if _is_cluster(client) else KEYS_PER_SCAN
            parts = [keys[at : at + size] for at in range(0, len(keys), size)]
            return sum(client.unlink(*part) for part in parts)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Check the breaker, record the outcome, and raise errors as RedisError."""
        if not self.breaker.allows():
            raise RedisError(
                f"Redis did not answer {self.breaker.failures} times in a row; calls are tried "
                f"again every {self.breaker.rest_seconds:g} s."
            )
        try:
            yield
        except (
            redis.ConnectionError,
            redis.TimeoutError,
            RedisClusterException,
            OSError,
        ) as error:
            self.breaker.failed()
            late = f"nothing within {self.deadline_seconds} s"
            raise RedisError(f"Redis does not answer: {str(error) or late}.") from error
        except redis.OutOfMemoryError as error:
            self.breaker.succeeded()
            raise RedisError(
                f"Redis is out of memory and refuses writes ({error}); raise its maxmemory."
            ) from error
        except redis.RedisError as error:
            self.breaker.succeeded()
            raise RedisError(f"Redis refuses: {error}.") from error
        else:
            self.breaker.succeeded()

    def _in_time(self, read: Callable[[], list[bytes | None]]) -> list[bytes | None]:
        """Return the result of a read or raise `TimeoutError`; a late read ends in its thread."""
        if self.deadline_seconds is None:
            return read()
        reading = self._threads.submit(read)
        try:
            return reading.result(self.deadline_seconds)
        finally:
            reading.cancel()


def _are_new(client: Client, rows: Rows) -> bool:
    """Return whether many rows of distinct keys may all be new, judging by the first."""
    if len(rows) <= ROWS_PER_CALL or len(rows.keys.unique()) < len(rows):
        return False
    return not client.exists(rows.keys[0].as_py())


def _set_new(client: Client, rows: Rows) -> Iterator[int]:
    """Store the calls whose keys are all new, at half the script's cost; yield the others."""
    pairs = resp.bulk(rows.keys, rows.values)
    for trip in _trips(range(0, len(rows), ROWS_PER_CALL), CALLS_PER_TRIP):
        done = resp.send(client, [_msetnx(pairs.slice(start, ROWS_PER_CALL)) for start in trip])
        yield from (start for start, is_set in zip(trip, done, strict=True) if not is_set)


def _msetnx(pairs: pa.Array) -> bytes:
    words = 1 + 2 * len(pairs)
    return resp.command(words, resp.arguments(b"MSETNX"), resp.content(pairs))


def _store(client: Client, rows: Rows, starts: Sequence[int], expiry: int, horizon: int) -> int:
    """Run the script for some calls, many in one round trip; load it first if necessary."""
    keys, values, stored = resp.bulk(rows.keys), resp.bulk(rows.values), 0
    for trip in _trips(starts, CALLS_PER_TRIP):
        calls = [script_call(Rows(keys, values).part(start), expiry, horizon) for start in trip]
        try:
            stored += sum(resp.send(client, calls))
        except NoScriptError:
            client.script_load(_SCRIPT.text)
            stored += sum(resp.send(client, calls))
    return stored


def script_call(bulk: Rows, expiry: int, horizon: int) -> bytes:
    """Encode a call of the loaded script; keys and strings are encoded arguments."""
    return resp.command(
        5 + 2 * len(bulk),
        resp.arguments(b"EVALSHA", _SCRIPT.sha.encode(), len(bulk)),
        resp.content(bulk.keys),
        resp.arguments(expiry, _instant(horizon)),
        resp.content(bulk.values),
    )


def _store_in_cluster(client: Client, rows: Rows, expiry: int, horizon: int) -> int:
    """Run the script for all rows, in one round trip per node."""
    stored = 0
    for trip in _trips([*_parts(client, rows)], CALLS_PER_CLUSTER_TRIP):
        with client.pipeline() as pipe:
            for part in trip:
                pipe.execute_command("EVAL", _SCRIPT.text, *_call(part, expiry, horizon))
            stored += sum(pipe.execute())
    return stored


def _trips(calls: Sequence[Call], size: int) -> Iterator[Sequence[Call]]:
    return (calls[at : at + size] for at in range(0, len(calls), size))


def _call(rows: Rows, expiry: int, horizon: int) -> list[bytes | int]:
    keys, values = rows.keys.to_pylist(), rows.values.to_pylist()
    return [len(rows), *keys, expiry, _instant(horizon), *values]


def _instant(micros: int) -> bytes:
    return micros.to_bytes(8, "little", signed=True)


def _parts(client: Client, rows: Rows) -> Iterator[Rows]:
    """Split rows into calls: a limited number, and on a cluster rows of one slot."""
    for group in rows.by(client.keyslot) if _is_cluster(client) else [rows]:
        for at in range(0, len(group), ROWS_PER_CALL):
            yield group.part(at)


def _is_cluster(client: Client) -> bool:
    return isinstance(client, redis.RedisCluster | redis.asyncio.RedisCluster)


def _mget(client: Client) -> Any:
    return client.mget_nonatomic if _is_cluster(client) else client.mget
