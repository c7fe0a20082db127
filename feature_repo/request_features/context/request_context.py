"""The values of one request and its candidates, and their conversion to arrays.

The point-in-time join and Redis return the same shapes, so both lead to the same features.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context.counts import ALL_COUNTS, Counts

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint8]
Coded = tuple[list[str], npt.NDArray[np.int64]]
Numbers = TypeVar("Numbers", Floats, Bits)
SourceRanks = Mapping[str, Mapping[str, tuple[int, float]]]


@dataclass(frozen=True)
class RequestContext:
    """A request at one instant.

    Attributes:
        t: instant of the request, microseconds since 1970 UTC.
        query: its text as sent.
        utc_offset_minutes: of the shopper's clock; None if unknown.
        user: "<view>__<feature>" → scalar, list or None; absent or None is missing;
            "<view>__present": whether the view has a row of the user.
        session: like `user`, of the session's views; `user` includes it where it counts.
        query_row: like `user`, of the query's views.
        market_row: like `user`, of the market's views.
        item_ids: the N candidates, in the order of the request.
        items: "<view>__<feature>" → N values, None or NaN where missing; "<view>__present" → N.
        damaged: names of the views whose rows of user, session, query or market are missing because
            a value in Redis changed.
        source_ranks: item id → candidate source → (rank from 1, score).
        memo: intermediate results that several families share.
    """

    t: int
    query: str | None = None
    utc_offset_minutes: float | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)
    query_row: Mapping[str, Any] = field(default_factory=dict)
    market_row: Mapping[str, Any] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    items: Mapping[str, Sequence[Any] | npt.NDArray[Any]] = field(default_factory=dict)
    damaged: frozenset[str] = frozenset()
    source_ranks: SourceRanks = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def with_fields(self, **fields: Any) -> "RequestContext":
        """Return a copy with other fields; it shares the intermediate results of the candidates."""
        copy = replace(self, **fields)
        copy.memo.update(self.memo)
        return copy

    def select(self, positions: Sequence[int]) -> "RequestContext":
        """Return the request with M of its candidates, given by their indexes."""
        indexes = np.asarray(positions, dtype=np.int64)
        return replace(
            self,
            item_ids=[self.item_ids[n] for n in positions],
            items={
                name: values[indexes]
                if isinstance(values, np.ndarray)
                else [*map(values.__getitem__, positions)]
                for name, values in self.items.items()
            },
        )

    def item_numbers(self, name: str) -> Floats:
        """Return a feature of each candidate, shape (N,), NaN where missing; read only."""
        if name not in self.memo:
            values = self.items.get(name)
            self.memo[name] = self.blank if values is None else as_numbers(values)
        numbers: Floats = self.memo[name]
        return numbers

    @cached_property
    def blank(self) -> Floats:
        """A feature without values, shape (N,); read only."""
        return np.full(len(self.item_ids), np.nan)

    def item_table(self, names: Sequence[str]) -> Floats:
        """Return K features of each candidate, shape (K, N), NaN where missing."""
        columns = [
            column if isinstance(column, np.ndarray) else self.item_numbers(name)
            for name, column in zip(names, map(self.items.get, names), strict=True)
        ]
        try:
            table = np.array(columns, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            table = np.array([*map(self.item_numbers, names)])
        return table.reshape(len(names), len(self.item_ids))

    @cached_property
    def counts(self) -> Counts:
        """The counts of the candidates, the user, the query and the market."""
        rows = {"user": self.user, "query": self.query_row, "market": self.market_row}
        others = [
            number for entity, row in rows.items() for number in map(row.get, ALL_COUNTS[entity])
        ]
        return Counts.of(self.item_table(ALL_COUNTS["item"]), as_numbers(others))

    def item_presence(self, view: str) -> Floats:
        """Return 1 where the view has a row of the candidate and else 0, shape (N,)."""
        return or_zero(self.item_numbers(f"{view}__present"))

    def item_values(self, name: str) -> "ItemValues":
        """Return the texts of a category or list field of each candidate."""
        key = "texts", name
        if key not in self.memo:
            values = self.items.get(name, [None] * len(self.item_ids))
            self.memo[key] = ItemValues.of(values)
        texts: ItemValues = self.memo[key]
        return texts

    def taste_values(self, columns: Sequence[str]) -> "FieldValues":
        """Return the texts of each candidate in F category and list fields."""
        if "taste values" not in self.memo:
            missing = [None] * len(self.item_ids)
            fields = [self.items.get(f"item_attributes__{column}", missing) for column in columns]
            self.memo["taste values"] = FieldValues.of(fields, len(self.item_ids))
        values: FieldValues = self.memo["taste values"]
        return values


@dataclass(frozen=True)
class ItemValues:
    """Texts of N items, laid end to end.

    Attributes:
        distinct: D texts, in order of first occurrence.
        codes: shape (V,), item by item, the index of each text in `distinct`.
        sizes: shape (N,), number of texts of each item.
    """

    distinct: list[str]
    codes: npt.NDArray[np.integer[Any]]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[Any] | npt.NDArray[Any]) -> "ItemValues":
        """Read a column of texts, lists of texts, or missing values."""
        return FieldValues.of([values], len(values)).items

    def sums(self, numbers: Floats) -> Floats:
        """Sum the numbers of an item's texts: (…, V) to (…, N); 0 without a text."""
        return self._folded(np.add, numbers, 0.0)

    def unions(self, bits: Bits) -> Bits:
        """Combine the bits of an item's texts: (…, V) to (…, N); 0 without a text."""
        return self._folded(np.bitwise_or, bits, 0)

    def means(self, numbers: Floats) -> Floats:
        """Return the mean of an item's numbers: (…, V) to (…, N); NaN without a text."""
        return self.shared(self.sums(numbers))

    def shared(self, sums: Floats) -> Floats:
        """Divide sums by the number of texts, both (…, N); NaN without a text."""
        if self._is_single:
            return sums
        means: Floats = sums / np.where(self.sizes, self.sizes, np.nan)
        return means

    def highest(self, numbers: Floats) -> Floats:
        """Return the maximum of an item's numbers: (…, V) to (…, N); NaN without a text."""
        return self._folded(np.maximum, numbers, np.nan)

    def _folded(self, how: np.ufunc, numbers: Numbers, blank: float) -> Numbers:
        if self._is_single:
            return numbers
        filled, starts = self._filled
        if starts.size == self.sizes.size:
            whole: Numbers = how.reduceat(numbers, starts, axis=-1)
            return whole
        folded: Numbers = np.full((*numbers.shape[:-1], self.sizes.size), blank, numbers.dtype)
        if starts.size:
            folded[..., filled] = how.reduceat(numbers, starts, axis=-1)
        return folded

    @cached_property
    def _is_single(self) -> bool:
        """Whether every item has exactly one text, which is usual for a category."""
        return self.codes.size == self.sizes.size and bool((self.sizes == 1).all())

    @cached_property
    def _filled(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Which items have a text, and the start of each one's texts in `codes`."""
        filled, starts = self.sizes > 0, np.cumsum(self.sizes) - self.sizes
        return filled, starts if filled.all() else starts[filled]


@dataclass(frozen=True)
class FieldValues:
    """Texts of N items in F fields, end to end, so that one operation covers all fields.

    Attributes:
        distinct: the distinct texts of each field.
        items: all texts, as the texts of F · N items, field by field.
        shape: F and N.
    """

    distinct: list[list[str]]
    items: ItemValues
    shape: tuple[int, int]

    @classmethod
    def of(cls, fields: Sequence[Sequence[Any] | npt.NDArray[Any]], size: int) -> "FieldValues":
        """Read F columns of texts, lists of texts, or missing values, of N items each."""
        distinct: list[list[str]] = []
        codes: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        sizes = np.ones((len(fields), size), np.int64)
        for n, values in enumerate(fields):
            start = sum(map(len, distinct))
            if (coded := _coded_singles(values, start)) is None:
                read = [*map(as_values, values)]
                sizes[n] = [*map(len, read)]
                coded = _coded([*chain.from_iterable(read)], start)
            distinct.append(coded[0])
            codes.append(coded[1])
        texts = [*chain.from_iterable(distinct)]
        items = ItemValues(texts, np.concatenate(codes), sizes.reshape(-1))
        return cls(distinct, items, (len(fields), size))

    def by_field(self, numbers: Numbers) -> Numbers:
        """Reshape numbers of F · N items, (…, F · N), to (…, F, N)."""
        shaped: Numbers = numbers.reshape(*numbers.shape[:-1], *self.shape)
        return shaped


def _coded(texts: Sequence[str] | npt.NDArray[Any], start: int) -> Coded:
    """The distinct texts in order of first occurrence, and the code of each text."""
    distinct = [*dict.fromkeys(texts)]
    number = dict(zip(distinct, count(start), strict=False))
    return distinct, np.fromiter(map(number.__getitem__, texts), np.int64, len(texts))


def _coded_singles(values: Sequence[Any] | npt.NDArray[Any], start: int) -> Coded | None:
    """`_coded` of values that are one text each; None if one is not, or is empty."""
    try:
        distinct, numbers = _coded(values, start)
    except TypeError:
        return None
    return None if {*map(type, distinct)} - {str} or "" in distinct else (distinct, numbers)


def or_zero(values: npt.ArrayLike) -> Floats:
    """Replace NaN by 0; `nan_to_num` also searches for infinities, in three passes."""
    numbers: Floats = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(numbers), 0.0, numbers)


def is_present(row: Mapping[str, Any], view: str) -> bool:
    """Return whether a view has a row of the entity."""
    return row.get(f"{view}__present") in (True, 1)


def as_number(value: Any) -> float:
    """Convert a scalar to a float; NaN if it is missing or no number."""
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def as_numbers(values: Iterable[Any]) -> Floats:
    """Convert a column to float64; NaN where a value is missing or no number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([as_number(value) for value in values], dtype=np.float64)


def as_values(value: Any) -> tuple[str, ...]:
    """Return the distinct texts of a category or list value, in order; none if missing."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, (list, tuple)):
        return tuple(dict.fromkeys(value))
    if isinstance(value, np.ndarray):
        return as_values(value.tolist())
    return ()


def as_list(value: Any) -> list[Any]:
    """Convert a list value to a list; empty if missing."""
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, (list, tuple)) else []
