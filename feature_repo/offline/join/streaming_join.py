"""Which row was the newest known to each of some questions, in one pass over the rows.

Where questions are few against rows, they are sorted instead of the rows.  Each row is put to the
first question of its key that may know it, which keeps the best it was given; in the end every
question looks at what those of its key before it have kept.  Memory grows with questions alone.
"""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import numpy.typing as npt

from feature_repo.offline.join.sorted_join import (
    NO_ROW,
    Integers,
    Known,
    Numbers,
    Packing,
    last_of,
)
from feature_repo.offline.parquet import NEVER, Instants

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """Distinct questions by key and time, and of the rows seen so far the best put to each."""

    packing: Packing
    packed: Numbers
    strict: bool
    rows: Numbers
    events: Instants
    created: Instants
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, codes: Integers, times: Instants, *, strict: bool) -> "Asked":
        """Sort the questions.

        Args:
            codes: n keys, negative where there is none.
            times: n instants, µs; `NEVER` asks nothing.
            strict: a row is known only from its created time on; never, where it has none.
        """
        asks = np.flatnonzero((codes >= 0) & (times != NEVER))
        packing = Packing.of(codes[asks], times[asks])
        packed = np.sort(packing.pack(codes[asks], times[asks]))
        packed = packed[last_of(packed)]
        rows = np.full(packed.size, NO_ROW, dtype=np.int64)
        none = np.full(packed.size, NEVER, dtype=np.int64)
        return cls(packing, packed, strict, rows, none, none.copy())

    def see(self, known: Known) -> None:
        """Put rows to the questions; from several threads, in any order."""
        created = known.events if known.created is None else known.created
        since = np.maximum(known.events, created) if self.strict else known.events
        wanted = self.packing.pack(known.codes, since, up=True)
        if self.strict:
            wanted[created == NEVER] = NO_ROW
        put = np.flatnonzero(wanted >= 0)
        put = put[np.argsort(wanted[put])]
        wanted = wanted[put]
        slots = np.searchsorted(self.packed, wanted)
        met = slots < self.packed.size
        met[met] = self._keys(self.packed[slots[met]]) == self._keys(wanted[met])
        put, slots = put[met], slots[met]
        with self._lock:
            self._keep(slots, known.events[put], created[put], known.rows[put])

    def find(self, codes: Integers, times: Instants, ttl: int = 0) -> Numbers:
        """As `AsOf.find`, of the rows seen."""
        found = np.full(codes.size, NO_ROW, dtype=np.int64)
        if not self.packed.size:
            return found
        order = np.lexsort((self.rows, self.created, self.events))
        ranks = np.empty(order.size, dtype=np.int64)
        ranks[order] = np.arange(order.size)
        newest = order[self._running(ranks)]
        asks = np.flatnonzero((codes >= 0) & (times != NEVER))
        places = newest[np.searchsorted(self.packed, self.packing.pack(codes[asks], times[asks]))]
        found[asks] = self.rows[places]
        if ttl:
            found[asks[self.events[places] < times[asks] - ttl]] = NO_ROW
        return found

    def _keep(self, slots: Numbers, events: Instants, created: Instants, rows: Integers) -> None:
        order = np.lexsort((rows, created, events, slots))
        order = order[last_of(slots[order])]
        slots, events, created, rows = (a[order] for a in (slots, events, created, rows))
        newer = _newer(created, self.created[slots], rows > self.rows[slots])
        newer = _newer(events, self.events[slots], newer)
        slots = slots[newer]
        self.events[slots], self.created[slots] = events[newer], created[newer]
        self.rows[slots] = rows[newer]

    def _keys(self, packed: Numbers) -> Numbers:
        return packed >> self.packing.bits

    def _running(self, ranks: Numbers) -> Numbers:
        """The greatest rank so far among the questions of each key."""
        keys = self._keys(self.packed)
        first = np.ones(keys.size, dtype=bool)
        first[1:] = keys[1:] != keys[:-1]
        group = (np.cumsum(first) - 1) * ranks.size
        running: Numbers = np.maximum.accumulate(group + ranks) - group
        return running


def _newer(one: Instants, other: Instants, if_equal: Flags) -> Flags:
    newer: Flags = (one > other) | ((one == other) & if_equal)
    return newer
