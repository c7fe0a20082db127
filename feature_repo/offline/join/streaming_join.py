"""Find the newest row of few entity rows in one pass over a source.

Where entity rows are few, they are sorted instead of the source.  Each source row goes to the first
slot (a distinct key and time of the entity rows) that may use it, and a slot stores only its best
row.  At the end, the result of a slot is the best row among its own and the earlier slots of its
key.  Memory grows only with the number of entity rows.
"""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import numpy.typing as npt

from feature_repo.offline.join.sorted_join import (
    NO_ROW,
    Integers,
    KeyRows,
    Packed,
    Packing,
    RowNumbers,
    is_last,
)
from feature_repo.offline.parquet import NULL_TIME, Instants

Flags = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StreamingJoin:
    """Distinct entity keys and times, and the best source row so far of each."""

    packing: Packing
    packed: Packed
    strict: bool
    rows: RowNumbers
    events: Instants
    created: Instants
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, codes: Integers, times: Instants, *, strict: bool) -> "StreamingJoin":
        """Sort the entity rows.

        Args:
            codes: n keys, negative for an unknown key.
            times: n instants, µs; `NULL_TIME` matches nothing.
            strict: a source row is valid only from its created time on; never, if it has none.
        """
        valid = np.flatnonzero((codes >= 0) & (times != NULL_TIME))
        packing = Packing.of(codes[valid], times[valid])
        packed = np.sort(packing.pack(codes[valid], times[valid]))
        packed = packed[is_last(packed)]
        rows = np.full(packed.size, NO_ROW, dtype=np.int64)
        no_time = np.full(packed.size, NULL_TIME, dtype=np.int64)
        return cls(packing, packed, strict, rows, no_time, no_time.copy())

    def add(self, rows: KeyRows) -> None:
        """Add source rows, in any order and from any thread."""
        created = rows.events if rows.created is None else rows.created
        valid_from = np.maximum(rows.events, created) if self.strict else rows.events
        targets = self.packing.pack(rows.codes, valid_from, up=True)
        if self.strict:
            targets[created == NULL_TIME] = NO_ROW
        added = np.flatnonzero(targets >= 0)
        # Search in ascending order, which uses the CPU cache better.
        added = added[np.argsort(targets[added])]
        targets = targets[added]
        slots = np.searchsorted(self.packed, targets)
        # The first slot at or after the target may belong to a larger key: compare the keys.
        matches = slots < self.packed.size
        matches[matches] = self._keys(self.packed[slots[matches]]) == self._keys(targets[matches])
        added, slots = added[matches], slots[matches]
        with self._lock:
            self._update(slots, rows.events[added], created[added], rows.rows[added])

    def find(self, codes: Integers, times: Instants, ttl: int = 0) -> RowNumbers:
        """Find the newest added row of each key at each time, as `SortedRows.find` does."""
        results = np.full(codes.size, NO_ROW, dtype=np.int64)
        if not self.packed.size:
            return results
        order = np.lexsort((self.rows, self.created, self.events))
        ranks = np.empty(order.size, dtype=np.int64)
        ranks[order] = np.arange(order.size)
        newest = order[self._running_maximum(ranks)]
        valid = np.flatnonzero((codes >= 0) & (times != NULL_TIME))
        slots = newest[np.searchsorted(self.packed, self.packing.pack(codes[valid], times[valid]))]
        results[valid] = self.rows[slots]
        if ttl:
            results[valid[self.events[slots] < times[valid] - ttl]] = NO_ROW
        return results

    def _update(self, slots: Slots, events: Instants, created: Instants, rows: Integers) -> None:
        """Store each slot's best new row if it is newer than the stored one."""
        order = np.lexsort((rows, created, events, slots))
        order = order[is_last(slots[order])]
        slots, events, created, rows = (a[order] for a in (slots, events, created, rows))
        newer = _newer(created, self.created[slots], rows > self.rows[slots])
        newer = _newer(events, self.events[slots], newer)
        slots = slots[newer]
        self.events[slots], self.created[slots] = events[newer], created[newer]
        self.rows[slots] = rows[newer]

    def _keys(self, packed: Packed) -> Packed:
        return packed >> self.packing.bits

    def _running_maximum(self, ranks: Slots) -> Slots:
        """Return the greatest rank so far among the slots of each key.

        An offset per key that exceeds every rank restarts the maximum at each key, so that one
        `accumulate` serves all keys.
        """
        keys = self._keys(self.packed)
        is_first = np.ones(keys.size, dtype=bool)
        is_first[1:] = keys[1:] != keys[:-1]
        offset = (np.cumsum(is_first) - 1) * ranks.size
        running: Slots = np.maximum.accumulate(offset + ranks) - offset
        return running


def _newer(times: Instants, others: Instants, if_equal: Flags) -> Flags:
    newer: Flags = (times > others) | ((times == others) & if_equal)
    return newer
