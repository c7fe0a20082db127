"""Online features in Redis: whether they can be read, and their recovery after an outage.

Two switches.  `readable`: requests may read.  `writable`: every acknowledged event has been, or is
being, applied by the thread that received it.  A failed read turns off the first, a failed write
both, so that no later request waits for a lost server.  A server that answers and refuses to write
turns off the second alone: requests read features that lack the pending events, and say so.  A
background task recovers: it turns on `writable`, replays the unsealed log, and then turns on
`readable`.  An event is logged either before the replay begins, which then reads it, or after; then
its own thread applies it.  Applying is idempotent.

The switches are of one process; `marks` tell it of the others, which recover at other moments.
"""

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import redis

from feature_repo.events.contract import AnyEvent
from feature_repo.home import AisleError, RedisError, WriteRefusedError
from feature_repo.online.hydration import ArmCounts, ItemState, ListedChanges
from feature_repo.request_features.context import RequestContext
from serving.features.unapplied_marks import UnappliedMarks
from serving.monitoring import ONLINE_FEATURES_UP, PENDING_EVENTS
from serving.query import Query

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_UNREADABLE = "Redis cannot be read; the log of the service says why."
_LOST_SERVER = (RedisError, redis.RedisError, OSError)


class FeaturesMissingError(RedisError):
    """The home has features that its Redis lacks."""

    def __init__(self) -> None:
        super().__init__("Redis lacks the features of this home; run `aisle refresh`.")


class Connection(Protocol):
    """Connection to one Redis server; its methods raise one of `_LOST_SERVER` without it."""

    def run_id(self) -> str:
        """Return the id of the running server; it changes with each start."""

    async def read(self, query: Query) -> RequestContext:
        """Read the features of shopper, query and candidates."""

    async def arm_counts(self, arm_keys: Sequence[str], t: int) -> ArmCounts:
        """Read the decisions and rewards of arms of bandits, as of an instant."""

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Apply events, and return the outcome of each, such as `applied` or `duplicate`."""

    def replay(self) -> int:
        """Apply the unsealed log; return how many events were new."""

    def apply_due_events(self) -> int:
        """Apply pending events whose time has come; return how many."""

    def changes_after(self, number: int | None) -> ListedChanges:
        """Return the items that changed after a change; none of them for None."""

    def item_states(self, item_ids: Sequence[str]) -> list[ItemState | None]:
        """Return the newest attributes of items; None for an unknown item."""

    def close(self) -> None:
        """Stop reading."""


@dataclass
class OnlineFeatures:
    """The switches, and the connection.

    Attributes:
        connect: opens a connection; raises AisleError while that is not possible.
        marks: of the processes whose acknowledged events the features lack.
        outage: why the features cannot be read, in words for anybody; empty while they can.
        recoveries: how often the features became readable again.
        pending: logged events of this process that the features lack.
    """

    connect: Callable[[], Connection]
    marks: UnappliedMarks
    readable: bool = False
    writable: bool = False
    outage: str = "Redis has not answered yet."
    recoveries: int = 0
    pending: int = 0
    _connection: Connection | None = None
    _run_id: str | None = None
    _outage_logged: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_behind(self) -> bool:
        """Whether the features can be read and lack acknowledged events, of any process."""
        return self.readable and (not self.writable or self.marks.exist())

    async def read(self, query: Query) -> RequestContext:
        """Read the features of a request.

        Raises:
            RedisError: the features cannot be read; raised without delay after a detected outage.
        """
        return await self._answer(self._readable().read(query))

    async def arm_counts(self, arm_keys: Sequence[str], t: int) -> ArmCounts:
        """Read the decisions and rewards of N arms of bandits, as of an instant in µs.

        Raises:
            RedisError: as `read`.
        """
        return await self._answer(self._readable().arm_counts(arm_keys, t))

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Apply logged events; without a server, recovery applies them later.

        Returns:
            The outcome of each event; empty where it is not known yet.
        """
        if not self.writable or self._connection is None:
            self._add_pending(len(events))
            return ()
        try:
            return self._connection.apply(events)
        except WriteRefusedError as error:
            self._refuse(error)
        except _LOST_SERVER as error:
            self._turn_off(error, writes_missed=True)
        self._add_pending(len(events))
        return ()

    def changes_after(self, number: int | None) -> ListedChanges:
        """Return the items that changed after a change; none of them for None.

        Raises:
            RedisError: the features cannot be read.
        """
        return self._readable().changes_after(number)

    def item_states(self, item_ids: Sequence[str]) -> list[ItemState | None]:
        """Return the newest attributes of items; None for an unknown item.

        Raises:
            RedisError: the features cannot be read.
        """
        return self._readable().item_states(item_ids)

    def maintain(self) -> None:
        """Detect a lost or restarted server, recover, and apply due events."""
        try:
            connection = self._connected()
            ended = self.marks.of_ended_processes()
            if ended or not (self.readable and self.writable):
                self._recover(connection, ended)
            connection.apply_due_events()
        except WriteRefusedError as error:
            self._refuse(error)
        except (*_LOST_SERVER, AisleError) as error:
            self._turn_off(error, writes_missed=True)

    def close(self) -> None:
        """Stop reading; call it in the event loop that read."""
        if self._connection is not None:
            self._connection.close()

    async def _answer(self, reading: Awaitable[T]) -> T:
        try:
            return await reading
        except _LOST_SERVER as error:
            self._turn_off(error)
            raise RedisError(str(error)) from error

    def _readable(self) -> Connection:
        if not self.readable or self._connection is None:
            raise RedisError("the live features are being recovered")
        return self._connection

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self.connect()
        run_id = self._connection.run_id()
        if run_id != self._run_id:
            if self._run_id is not None:
                self._turn_off("this is another server, or a restarted one", writes_missed=True)
            self._run_id = run_id
        return self._connection

    def _recover(self, connection: Connection, ended: Sequence[Path]) -> None:
        """Replay the log where events were missed, here or by an ended process, and read again."""
        if ended or not self.writable:
            pending, self.writable = self.pending, True
            replayed = connection.replay()
            self._add_pending(-pending)
            self.marks.drop(ended)
            _logger.info("online features are complete again; %d events were replayed", replayed)
        with self._lock:
            self.readable = self.writable
            self.recoveries += 1
            self._outage_logged = not self.readable
            self.outage = "" if self.readable else _UNREADABLE
        ONLINE_FEATURES_UP.set(self.readable)

    def _refuse(self, reason: WriteRefusedError) -> None:
        """Stop writing until a replay succeeds, and read on what was read before."""
        with self._lock:
            if not self._outage_logged:
                _logger.warning("acknowledged events wait in the log: %s", reason)
            self._outage_logged, self.writable = True, False

    def _add_pending(self, number: int) -> None:
        with self._lock:
            self.pending += number
            try:
                if self.pending:
                    self.marks.add()
                else:
                    self.marks.remove()
            except OSError:
                _logger.exception("other processes cannot see that events wait in the log")
        PENDING_EVENTS.set(self.pending)

    def _turn_off(self, reason: object, *, writes_missed: bool = False) -> None:
        with self._lock:
            if not self._outage_logged:
                _logger.warning("online features are off: %s", reason)
            self._outage_logged, self.readable = True, False
            is_missing = isinstance(reason, FeaturesMissingError)
            self.outage = str(reason) if is_missing else _UNREADABLE
            if writes_missed:
                self.writable = False
        ONLINE_FEATURES_UP.set(0)
