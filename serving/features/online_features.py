"""The live features in Redis: whether they can be trusted, and how they are made whole again.

Two switches.  `readable`: rankings may read.  `writable`: every acknowledged event has been applied
or is being applied at its door.  A read that fails turns the first off, a write that fails both, so
that no request after it waits for a server that is gone.  Recovery happens beside the requests:
where writes were missed it turns `writable` on, replays the unsealed log, and only then lets
rankings read.  An event was logged either before the replay began, which then reads it, or after,
and then it was applied at its door; applying is idempotent.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import redis

from feature_repo.events.contract import AnyEvent
from feature_repo.home import AisleError, RedisError
from feature_repo.request_features.context import RequestContext
from serving.monitoring import ONLINE_FEATURES_UP
from serving.query import Query

_logger = logging.getLogger(__name__)
_GONE = (RedisError, redis.RedisError, OSError)


class Connection(Protocol):
    """A way to one Redis server; its methods raise one of `_GONE` where the server is."""

    def run_id(self) -> str:
        """Name of the running server; another one after each start of it."""

    async def read(self, query: Query) -> RequestContext:
        """What is known of the shopper, the query and the candidates."""

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Make events count; gives what became of each, `duplicate` among others."""

    def replay(self) -> int:
        """Apply the unsealed log; gives how many events were new."""

    def apply_due_events(self) -> int:
        """Apply events whose time has come; gives how many."""

    def close(self) -> None:
        """Read no more."""


@dataclass
class OnlineFeatures:
    """The switches, and the connection behind them.

    Attributes:
        connect: opens a connection; raises AisleError where that is not possible yet.
    """

    connect: Callable[[], Connection]
    readable: bool = False
    writable: bool = False
    _connection: Connection | None = None
    _identity: str | None = None
    _told: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    async def read(self, query: Query) -> RequestContext:
        """What a ranking needs to know.

        Raises:
            RedisError: live features cannot be had now; at once, where that is known.
        """
        if not self.readable or self._connection is None:
            raise RedisError("the live features are being recovered")
        try:
            return await self._connection.read(query)
        except _GONE as error:
            self._turn_off(error)
            raise RedisError(str(error)) from error

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Make logged events count: now, or when the server is back.

        Returns:
            What became of each event; none where that is not known yet.
        """
        if not self.writable or self._connection is None:
            return ()
        try:
            return self._connection.apply(events)
        except _GONE as error:
            self._turn_off(error, writes_missed=True)
            return ()

    def maintain(self) -> None:
        """Look after the state once: notice a lost server, recover, release held events."""
        try:
            connection = self._checked()
            if not self.readable:
                self._recover(connection)
            connection.apply_due_events()
        except (*_GONE, AisleError) as error:
            self._turn_off(error, writes_missed=True)

    def close(self) -> None:
        """Read no more; of the event loop that read."""
        if self._connection is not None:
            self._connection.close()

    def _checked(self) -> Connection:
        if self._connection is None:
            self._connection = self.connect()
        identity = self._connection.run_id()
        if identity != self._identity:
            if self._identity is not None:
                self._turn_off("this is another server, or a restarted one", writes_missed=True)
            self._identity = identity
        return self._connection

    def _recover(self, connection: Connection) -> None:
        if not self.writable:
            self.writable = True
            missed = connection.replay()
            _logger.info("live features are whole again; %d events were missed", missed)
        with self._lock:
            self.readable = self.writable
            self._told = not self.readable
        ONLINE_FEATURES_UP.set(self.readable)

    def _turn_off(self, reason: object, *, writes_missed: bool = False) -> None:
        with self._lock:
            if not self._told:
                _logger.warning("live features are off: %s", reason)
            self._told, self.readable = True, False
            if writes_missed:
                self.writable = False
        ONLINE_FEATURES_UP.set(0)
