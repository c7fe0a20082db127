"""The deleted items, in memory: they are never ranked, even without Redis."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import AnyEvent, ItemEvent
from feature_repo.events.log import EventLog


@dataclass
class DeletedItems:
    """Ids of items whose last item event deletes them.

    Read once from the log, then updated by the events this process accepts.  While Redis answers,
    the stored rows decide instead; they include the events of all processes.
    """

    _ids: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_log(cls, log: EventLog) -> "DeletedItems":
        """Read the deleted items from the log."""
        deleted = cls(_deleted_before(log))
        deleted.apply(sorted(log.unsealed(), key=lambda e: (e.seen_at, e.event_id)))
        return deleted

    def apply(self, events: Iterable[AnyEvent]) -> None:
        """Apply events, in the order of their `seen_at`."""
        with self._lock:
            for event in events:
                if isinstance(event, ItemEvent):
                    change = self._ids.add if event.op == "delete" else self._ids.discard
                    change(event.item_id)

    def intersection(self, item_ids: Sequence[str]) -> frozenset[str]:
        """Return the ids that are deleted."""
        return frozenset(item_id for item_id in item_ids if item_id in self._ids)


def _deleted_before(log: EventLog) -> set[str]:
    import duckdb

    paths = [str(path) for path in log.relation_paths("item")]
    if not paths:
        return set()
    rows = duckdb.execute(
        """
        select item_id from read_parquet($paths) group by item_id
        having arg_max(op, {'seen_at': seen_at, 'event_id': event_id}) = 'delete'
        """,
        {"paths": paths},
    ).fetchall()
    return {item_id for (item_id,) in rows}
