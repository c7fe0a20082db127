"""Find the newest row of each key at an instant: one sorted array and a binary search.

A row is valid from `valid_from` on: its event time or, where corrections must not change the past,
the later of its event time and its created time.  Rows are sorted by (key, valid_from), packed into
one integer.  At an instant, the row with the greatest (event, created) among the valid rows of the
key wins.  A row can never win if a row with a newer event becomes valid before it, so it is
dropped.  Then the last row at or before an instant is the result.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.offline.parquet import NULL_TIME, Instants

RowNumbers = npt.NDArray[np.int64]
Packed = npt.NDArray[np.int64]
Integers = npt.NDArray[np.signedinteger]

NO_ROW = -1
_BITS = 63
_LATEST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class KeyRows:
    """The keys, row numbers and times of n rows of a source."""

    codes: Integers
    rows: Integers
    events: Instants
    created: Instants | None = None

    def take(self, positions: npt.NDArray[np.int64]) -> "KeyRows":
        """Return the rows at the positions."""
        created = None if self.created is None else self.created[positions]
        return KeyRows(self.codes[positions], self.rows[positions], self.events[positions], created)


@dataclass(frozen=True)
class Packing:
    """How a key code and an instant become one int64 that sorts by both.

    The code takes the high bits and the instant the low `bits` bits, so one binary search replaces
    a search by two columns, and one sort of integers replaces a lexicographic sort:

        packed = code << bits | (time - origin)

    Where microseconds and codes together need more than 63 bits, each instant is replaced by its
    rank among the distinct instants of the rows, and if that is not enough, each code by its rank
    among the distinct codes.  Ranks preserve the order, but an instant between two ranks has to be
    rounded: down to find the last row at or before it, up to find the first row at or after it.

    Attributes:
        bits: number of low bits, for the instant.
        origin: µs subtracted from every instant; 0 with ranks.
        largest: largest code of the rows.
        ranks: sorted distinct instants, or None if microseconds fit.
        keys: sorted distinct codes, or None if codes fit.
    """

    bits: int
    origin: int
    largest: int = 0
    ranks: Instants | None = None
    keys: Integers | None = None

    @classmethod
    def of(cls, codes: Integers, *times: Instants) -> "Packing":
        """Choose the packing of rows: microseconds if they fit next to the code, else ranks."""
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

    def pack(self, codes: Integers, times: Instants, *, up: bool = False) -> Packed:
        """Pack keys and times, rounding times down; negative where no row can match.

        Args:
            codes: n codes; a negative or unknown one matches no row.
            times: n instants, µs.
            up: round up instead, to the first packable instant at or after each time.
        """
        packed = self._round_up(times) if up else self._round_down(times)
        impossible = (packed < 0) | (codes < 0) | (codes > self.largest)
        packed |= np.left_shift(self._key_bits(codes, impossible), self.bits, dtype=np.int64)
        packed[impossible] = NO_ROW
        return packed

    def _round_down(self, times: Instants) -> Packed:
        """Return the low bits of each time; -1 before the first instant."""
        if self.ranks is not None:
            return _last_at_or_before(self.ranks, times)
        # Clip first: an instant far outside must not overflow into the bits of the key.
        latest = min(self.origin + (1 << self.bits) - 1, _LATEST)
        return np.clip(times, self.origin - 1, latest) - self.origin

    def _round_up(self, times: Instants) -> Packed:
        """Return the low bits of each time; `NO_ROW` after the last instant."""
        latest = min(self.origin + (1 << self.bits) - 1, _LATEST)
        if self.ranks is not None:
            latest, offsets = int(self.ranks[-1]), np.searchsorted(self.ranks, times)
        else:
            offsets = np.clip(times, self.origin, latest) - self.origin
        return np.where(times > latest, NO_ROW, offsets)

    def _key_bits(self, codes: Integers, impossible: npt.NDArray[np.bool_]) -> Integers:
        """Return the high bits of each code; mark codes that no row has as impossible."""
        if self.keys is None:
            return codes
        positions = np.maximum(_last_at_or_before(self.keys, codes), 0)
        impossible |= self.keys[positions] != codes
        return positions


@dataclass(frozen=True)
class SortedRows:
    """The rows that can be a result, sorted by key and `valid_from`."""

    packing: Packing
    packed: Packed
    rows: Integers
    events: Instants | None
    """Event times; stored only where they differ from `valid_from` and rows expire."""

    @classmethod
    def of(cls, rows: KeyRows, *, strict: bool, expires: bool = False) -> "SortedRows":
        """Sort rows.

        Args:
            rows: with no negative code and no event at `NULL_TIME`.
            strict: a row is valid only from its created time on; never, if it has none.
            expires: store event times, so that `find` can apply a ttl.
        """
        if not strict or rows.created is None:
            return cls._sorted(rows, rows.events, None, expires)
        rows, created = _with_created_time(rows, rows.created)
        if (created <= rows.events).all():
            return cls._sorted(rows, rows.events, None, expires)
        return cls._sorted(rows, np.maximum(rows.events, created), rows.events, expires)

    @classmethod
    def _sorted(
        cls, rows: KeyRows, valid_from: Instants, events: Instants | None, expires: bool
    ) -> "SortedRows":
        """Sort by key and `valid_from`; `events` is None where it equals `valid_from`."""
        packing = Packing.of(rows.codes, valid_from, *([] if events is None else [events]))
        packed = packing.pack(rows.codes, valid_from)
        order = _newest_last(packed, rows)
        packed = packed[order]
        if events is not None:
            # Drop rows whose event is older than one valid before them.  Packed events include the
            # key in their high bits, so one running maximum over all keys does not mix keys.
            by_event = packing.pack(rows.codes, events)[order]
            order, packed = _filter(by_event >= np.maximum.accumulate(by_event), order, packed)
        # Of rows that become valid at the same instant, only the newest can be a result.
        order, packed = _filter(is_last(packed), order, packed)
        stored_events = None if events is None or not expires else events[order]
        return cls(packing, packed, rows.rows[order], stored_events)

    @property
    def nbytes(self) -> int:
        """Memory that the arrays need."""
        arrays = (self.packed, self.rows, self.events, self.packing.ranks, self.packing.keys)
        return sum(array.nbytes for array in arrays if array is not None)

    def find(self, codes: Integers, times: Instants, ttl: int = 0) -> RowNumbers:
        """Find the newest row of each key at each time; `NO_ROW` if there is none.

        Args:
            codes: n keys, negative for an unknown key.
            times: n instants, µs; `NULL_TIME` matches nothing.
            ttl: µs that a row is valid after its event, inclusive; 0 for no limit.
        """
        results = np.full(codes.size, NO_ROW, dtype=np.int64)
        if self.packed.size == 0:
            return results
        targets = self.packing.pack(codes, times)
        positions = _last_at_or_before(self.packed, targets)
        bits = self.packing.bits
        # The last row at or before the target may belong to a smaller key: compare the high bits.
        matches = (
            (targets >= 0) & (positions >= 0) & (self.packed[positions] >> bits == targets >> bits)
        )
        if ttl:
            matches &= self._event(positions) >= times - ttl
        results[matches] = self.rows[positions[matches]]
        return results

    def newest(self) -> RowNumbers:
        """Return the number of the newest row of each key."""
        last = is_last(self.packed >> self.packing.bits)
        return self.rows[last].astype(np.int64)

    def _event(self, positions: npt.NDArray[np.int64]) -> Instants:
        if self.events is not None:
            return np.take(self.events, positions)
        offset: Instants = self.packed[positions] & ((1 << self.packing.bits) - 1)
        if self.packing.ranks is not None:
            return np.take(self.packing.ranks, offset).astype(np.int64)
        return offset + self.packing.origin


def _with_created_time(rows: KeyRows, created: Instants) -> tuple[KeyRows, Instants]:
    """Return the rows that have a created time, and those times."""
    present = created != NULL_TIME
    if present.all():
        return rows, created
    return rows.take(np.flatnonzero(present)), created[present]


def _newest_last(packed: Packed, rows: KeyRows) -> RowNumbers:
    """Return the order by packed value; ties by (event, created, row), the newest last."""
    if (packed[1:] > packed[:-1]).all():
        return np.arange(packed.size)
    # A lexsort of four columns is slow and ties are rare: sort by one, then fix only the ties.
    order = np.argsort(packed)
    ranked = packed[order]
    tied = np.zeros(packed.size, dtype=bool)
    tied[1:] = ranked[1:] == ranked[:-1]
    tied[:-1] |= tied[1:]
    if tied.any():
        ties = order[tied]
        created = rows.events if rows.created is None else rows.created
        keys = (rows.rows[ties], created[ties], rows.events[ties], packed[ties])
        order[tied] = ties[np.lexsort(keys)]
    return order


def _distinct(values: Integers) -> Integers:
    """Return the sorted distinct values; np.unique is ten times slower where few repeat."""
    ordered = np.sort(values)
    return ordered[is_last(ordered)]


def _last_at_or_before(ordered: Integers, values: Integers) -> npt.NDArray[np.int64]:
    """Return the position of the last element not above each value; -1 if there is none.

    Values are searched in ascending order: neighbouring searches then read the same cache lines.
    """
    if not (values[1:] >= values[:-1]).all():
        order = np.argsort(values)
        positions = np.empty(values.size, dtype=np.int64)
        positions[order] = _last_at_or_before(ordered, values[order])
        return positions
    return np.searchsorted(ordered, values, side="right").astype(np.int64, copy=False) - 1


def is_last(values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each value is the last of a run of equal values."""
    last = np.ones(values.size, dtype=bool)
    last[:-1] = values[1:] != values[:-1]
    return last


def _filter(
    selected: npt.NDArray[np.bool_], order: RowNumbers, packed: Packed
) -> tuple[RowNumbers, Packed]:
    return (order, packed) if selected.all() else (order[selected], packed[selected])
