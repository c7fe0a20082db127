"""Redis as rows are read from it and written to it: one server, Sentinel's master, or a cluster.

Every call has a deadline, the timeout of its client's sockets, and one breaker watches them all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from feature_repo.errors import RedisError
from feature_repo.online.breaker import Breaker
from feature_repo.online.keys import glob
from feature_repo.online.script import Script

ROWS_PER_CALL = 256
"""Rows a call of the script stores; the server does nothing else meanwhile, for about 0.5 ms."""

CALLS_PER_TRIP = 16
KEYS_PER_SCAN = 1000

Client = Any
"""`redis.Redis` or `redis.cluster.RedisCluster`, or their asynchronous twins."""

Rows = Sequence[tuple[bytes, bytes]]
"""Keys and what to store under them."""

_SCRIPT = Script.load("rows")


@dataclass
class RowServer:
    """Calls to Redis, watched by a breaker."""

    breaker: Breaker = field(default_factory=Breaker)

    def get(self, client: Client, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is stored under N keys, in one round trip; None where there is no string.

        Raises:
            RedisError: the server does not answer in time, or is not asked.
        """
        if not keys:
            return []
        with self.watched():
            found: list[bytes | None] = _mget(client)(keys)
            return found

    async def get_async(self, client: Client, keys: Sequence[bytes]) -> list[bytes | None]:
        """As `get`."""
        if not keys:
            return []
        with self.watched():
            found: list[bytes | None] = await _mget(client)(keys)
            return found

    def store(self, client: Client, rows: Rows, *, expiry: int, horizon: int) -> int:
        """Store rows unless newer ones are there, each atomically.

        Args:
            client: whose timeout leaves room for `CALLS_PER_TRIP` calls.
            rows: in any order; one key may occur more than once.
            expiry: seconds after which they vanish; 0 for never.
            horizon: µs; times beyond it are mistakes.

        Returns:
            How many were stored.

        Raises:
            RedisError: the server refuses, or does not answer in time; some may be stored.
        """
        calls = [_call(part, expiry, horizon) for part in _parts(client, rows)]
        with self.watched():
            if _is_cluster(client):
                return sum(client.eval(_SCRIPT.text, *call) for call in calls)
            trips = range(0, len(calls), CALLS_PER_TRIP)
            return sum(_trip(client, calls[at : at + CALLS_PER_TRIP]) for at in trips)

    async def store_async(self, client: Client, rows: Rows, *, expiry: int, horizon: int) -> int:
        """As `store`."""
        with self.watched():
            return sum(
                [
                    await client.eval(_SCRIPT.text, *_call(part, expiry, horizon))
                    for part in _parts(client, rows)
                ]
            )

    def delete(self, client: Client, prefix: bytes) -> int:
        """Delete every key that begins with a prefix; returns how many.

        Raises:
            RedisError: the server does not answer in time.
        """
        with self.watched():
            found = [*client.scan_iter(match=glob(prefix), count=KEYS_PER_SCAN)]
            size = 1 if _is_cluster(client) else KEYS_PER_SCAN
            parts = [found[at : at + size] for at in range(0, len(found), size)]
            return sum(client.unlink(*part) for part in parts)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Ask the breaker, tell it how it went, and raise what is ours."""
        if not self.breaker.allows():
            raise RedisError(
                f"Redis did not answer {self.breaker.failures} times in a row; it is asked again "
                f"every {self.breaker.rest_seconds:g} s."
            )
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self.breaker.failed()
            raise RedisError(f"Redis does not answer: {error}.") from error
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


def _trip(client: Client, calls: Sequence[Sequence[bytes | int]]) -> int:
    """Run calls of the script in one round trip; all of them again where it is not loaded yet."""
    try:
        return _send(client, calls)
    except NoScriptError:
        client.script_load(_SCRIPT.text)
        return _send(client, calls)


def _send(client: Client, calls: Sequence[Sequence[bytes | int]]) -> int:
    with client.pipeline(transaction=False) as pipe:
        for call in calls:
            pipe.evalsha(_SCRIPT.sha, *call)
        return sum(pipe.execute())


def _call(rows: Rows, expiry: int, horizon: int) -> list[bytes | int]:
    keys, values = zip(*rows, strict=True)
    return [len(rows), *keys, expiry, horizon.to_bytes(8, "little", signed=True), *values]


def _parts(client: Client, rows: Rows) -> Iterator[Rows]:
    """Rows as single calls take them: not too many, and on a cluster of one slot."""
    groups: list[Rows] = [rows]
    if _is_cluster(client):
        by_slot = sorted(rows, key=lambda row: client.keyslot(row[0]))
        groups = [list(g) for _, g in groupby(by_slot, key=lambda row: client.keyslot(row[0]))]
    for group in groups:
        for at in range(0, len(group), ROWS_PER_CALL):
            yield group[at : at + ROWS_PER_CALL]


def _is_cluster(client: Client) -> bool:
    return isinstance(client, redis.RedisCluster | redis.asyncio.RedisCluster)


def _mget(client: Client) -> Any:
    return client.mget_nonatomic if _is_cluster(client) else client.mget
