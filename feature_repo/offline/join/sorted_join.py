"""Which row of each key was the newest known at an instant: one sorted array, searched.

A row is *known* from `known_at` on: its event time, or the later of that and its created time where
corrections must not reach into the past.  Rows are sorted by (key, known_at) packed into one
integer.  Of the rows known at an instant the newest by (event, created) counts; a row that is older
than one known before it can never count and is left out, so what a search finds is the answer.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.offline.parquet import NEVER, Instants

Numbers = npt.NDArray[np.int64]

Integers = npt.NDArray[np.signedinteger]

NO_ROW = -1
_BITS = 63
_LATEST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Known:
    """n rows of a source, in its order: what a join must know of each."""

    codes: Integers
    rows: Integers
    events: Instants
    created: Instants | None = None

    def some(self, places: Numbers) -> "Known":
        """The rows at these places."""
        created = None if self.created is None else self.created[places]
        return Known(self.codes[places], self.rows[places], self.events[places], created)


@dataclass(frozen=True)
class Packing:
    """How a key and an instant become one integer that sorts by both."""

    bits: int
    origin: int
    largest: int = 0
    ranks: Instants | None = None
    keys: Integers | None = None

    @classmethod
    def of(cls, codes: Integers, *times: Instants) -> "Packing":
        """Microseconds when they fit beside the key, else the ranks of instants and keys."""
        if codes.size == 0:
            return cls(bits=1, origin=0)
        largest = int(codes.max())
        origin, latest = min(int(t.min()) for t in times), max(int(t.max()) for t in times)
        bits, key_bits = (latest - origin + 1).bit_length(), largest.bit_length()
        if bits + key_bits <= _BITS:
            return cls(bits, origin, largest)
        ranks = _distinct(np.concatenate(times))
        bits = int(ranks.size).bit_length()
        if bits + key_bits <= _BITS:
            return cls(bits, 0, largest, ranks)
        return cls(bits, 0, largest, ranks, _distinct(codes))

    def pack(self, codes: Integers, times: Instants, *, up: bool = False) -> Numbers:
        """The last packed value at or before each time; negative where there can be none.

        With `up` it is the first one at or after it.
        """
        packed = self._up(times) if up else self._down(times)
        impossible = (packed < 0) | (codes < 0) | (codes > self.largest)
        packed |= np.left_shift(self._dense(codes, impossible), self.bits, dtype=np.int64)
        packed[impossible] = NO_ROW
        return packed

    def _down(self, times: Instants) -> Numbers:
        if self.ranks is not None:
            return _places(self.ranks, times)
        latest = min(self.origin + (1 << self.bits) - 1, _LATEST)
        return np.clip(times, self.origin - 1, latest) - self.origin

    def _up(self, times: Instants) -> Numbers:
        latest = min(self.origin + (1 << self.bits) - 1, _LATEST)
        if self.ranks is not None:
            latest, offsets = int(self.ranks[-1]), np.searchsorted(self.ranks, times)
        else:
            offsets = np.clip(times, self.origin, latest) - self.origin
        return np.where(times > latest, NO_ROW, offsets)

    def _dense(self, codes: Integers, impossible: npt.NDArray[np.bool_]) -> Integers:
        if self.keys is None:
            return codes
        places = np.maximum(_places(self.keys, codes), 0)
        impossible |= self.keys[places] != codes
        return places


@dataclass(frozen=True)
class AsOf:
    """The rows that can be an answer, sorted by key and the instant they were known from."""

    packing: Packing
    packed: Numbers
    rows: Integers
    events: Instants | None
    """Only where they differ from `known_at` and rows expire."""

    @classmethod
    def of(cls, known: Known, *, strict: bool, expires: bool = False) -> "AsOf":
        """Sort the rows.

        Args:
            known: codes are not negative and events not `NEVER`.
            strict: a row counts only from its created time on; rows without one never count.
            expires: keep event times, so that `find` can be given a ttl.
        """
        if not strict or known.created is None:
            return cls._sorted(known, known.events, None, expires)
        known, created = _without_unborn(known, known.created)
        if (created <= known.events).all():
            return cls._sorted(known, known.events, None, expires)
        return cls._sorted(known, np.maximum(known.events, created), known.events, expires)

    @classmethod
    def _sorted(
        cls, known: Known, times: Instants, events: Instants | None, expires: bool
    ) -> "AsOf":
        packing = Packing.of(known.codes, times, *([] if events is None else [events]))
        packed = packing.pack(known.codes, times)
        order = _newest_last(packed, known)
        packed = packed[order]
        if events is not None:
            by_event = packing.pack(known.codes, events)[order]
            order, packed = _where(by_event >= np.maximum.accumulate(by_event), order, packed)
        order, packed = _where(last_of(packed), order, packed)
        kept = None if events is None or not expires else events[order]
        return cls(packing, packed, known.rows[order], kept)

    @property
    def nbytes(self) -> int:
        """What keeping it costs."""
        held = (self.packed, self.rows, self.events, self.packing.ranks, self.packing.keys)
        return sum(array.nbytes for array in held if array is not None)

    def find(self, codes: Integers, times: Instants, ttl: int = 0) -> Numbers:
        """The row of the source that was newest for each key at each time, else `NO_ROW`.

        Args:
            codes: n keys, negative where there is none.
            times: n instants, µs; `NEVER` finds nothing.
            ttl: µs for which a row counts after its event, inclusive; 0 for ever.
        """
        found = np.full(codes.size, NO_ROW, dtype=np.int64)
        if self.packed.size == 0:
            return found
        wanted = self.packing.pack(codes, times)
        places = _places(self.packed, wanted)
        bits = self.packing.bits
        hit = (wanted >= 0) & (places >= 0) & (self.packed[places] >> bits == wanted >> bits)
        if ttl:
            hit &= self._event(places) >= times - ttl
        found[hit] = self.rows[places[hit]]
        return found

    def newest(self) -> Numbers:
        """The last row of each key, by number."""
        last = last_of(self.packed >> self.packing.bits)
        return self.rows[last].astype(np.int64)

    def _event(self, places: Numbers) -> Instants:
        if self.events is not None:
            return np.take(self.events, places)
        offset: Instants = self.packed[places] & ((1 << self.packing.bits) - 1)
        if self.packing.ranks is not None:
            return np.take(self.packing.ranks, offset).astype(np.int64)
        return offset + self.packing.origin


def _without_unborn(known: Known, created: Instants) -> tuple[Known, Instants]:
    """The rows that have a created time, and those times."""
    kept = created != NEVER
    if kept.all():
        return known, created
    return known.some(np.flatnonzero(kept)), created[kept]


def _newest_last(packed: Numbers, known: Known) -> Numbers:
    """Order by packed value; of equals the newest by (event, created, row) comes last."""
    if (packed[1:] > packed[:-1]).all():
        return np.arange(packed.size)
    order = np.argsort(packed)
    ranked = packed[order]
    tied = np.zeros(packed.size, dtype=bool)
    tied[1:] = ranked[1:] == ranked[:-1]
    tied[:-1] |= tied[1:]
    if tied.any():
        some = order[tied]
        created = known.events if known.created is None else known.created
        keys = (known.rows[some], created[some], known.events[some], packed[some])
        order[tied] = some[np.lexsort(keys)]
    return order


def _distinct(values: Integers) -> Integers:
    """Sorted; numpy's own way of hashing is ten times slower on numbers that seldom repeat."""
    ordered = np.sort(values)
    return ordered[last_of(ordered)]


def _places(ordered: Integers, values: Integers) -> Numbers:
    """The last place not above each value, -1 where there is none; searched in their order."""
    if not (values[1:] >= values[:-1]).all():
        order = np.argsort(values)
        places = np.empty(values.size, dtype=np.int64)
        places[order] = _places(ordered, values[order])
        return places
    return np.searchsorted(ordered, values, side="right").astype(np.int64, copy=False) - 1


def last_of(values: Numbers) -> npt.NDArray[np.bool_]:
    """Whether each value is the last of a run of equal ones."""
    last = np.ones(values.size, dtype=bool)
    last[:-1] = values[1:] != values[:-1]
    return last


def _where(kept: npt.NDArray[np.bool_], order: Numbers, packed: Numbers) -> tuple[Numbers, Numbers]:
    return (order, packed) if kept.all() else (order[kept], packed[kept])
