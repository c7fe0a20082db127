"""The deleted items, in memory: they are never ranked, even without Redis."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import FEATURE_KINDS, AnyEvent, ItemEvent
from feature_repo.events.log import EventLog


@dataclass
class DeletedItems:
    """Ids of items whose newest event, by event time, deletes them.

    Read once from the log, then updated by the events this process accepts.  While Redis answers,
    the stored rows decide instead; they include the events of all processes.
    """

    _ids: set[str] = field(default_factory=set)
    _newest: dict[str, int] = field(default_factory=dict)
    """Item → event time of its newest event, µs."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_log(cls, log: EventLog) -> "DeletedItems":
        """Read the deleted items from the log."""
        deleted = cls(*_compacted(log))
        deleted.apply(sorted(log.unsealed(FEATURE_KINDS), key=lambda e: (e.seen_at, e.event_id)))
        return deleted

    def apply(self, events: Iterable[AnyEvent]) -> None:
        """Apply events, in the order of their `seen_at`; an older event changes nothing."""
        with self._lock:
            for event in events:
                if isinstance(event, ItemEvent):
                    self._apply(event)

    def intersection(self, item_ids: Sequence[str]) -> frozenset[str]:
        """Return the ids that are deleted."""
        return frozenset(item_id for item_id in item_ids if item_id in self._ids)

    def _apply(self, event: ItemEvent) -> None:
        if event.event_time < self._newest.get(event.item_id, 0):
            return
        self._newest[event.item_id] = event.event_time
        change = self._ids.add if event.op == "delete" else self._ids.discard
        change(event.item_id)


def _compacted(log: EventLog) -> tuple[set[str], dict[str, int]]:
    """Return the deleted items of the compacted log, and when each item changed last."""
    import duckdb

    paths = [str(path) for path in log.relation_paths("item")]
    if not paths:
        return set(), {}
    rows = duckdb.execute(
        """
        select
            item_id,
            arg_max(op, {'at': event_time, 'seen_at': seen_at, 'id': event_id}) = 'delete',
            epoch_us(max(event_time))
        from read_parquet($paths) group by item_id
        """,
        {"paths": paths},
    ).fetchall()
    deleted = {item_id for item_id, is_deleted, _ in rows if is_deleted}
    return deleted, {item_id: newest for item_id, _, newest in rows}
