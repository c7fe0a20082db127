"""What is known about one request and its candidates, and how its values are read.

The same shapes come from the point-in-time join and from Redis, so what follows from them is the
same too.
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
Numbered = tuple[list[str], npt.NDArray[np.int64]]
Numbers = TypeVar("Numbers", Floats, Bits)
SourceRanks = Mapping[str, Mapping[str, tuple[int, float]]]


@dataclass(frozen=True)
class RequestContext:
    """A request at one instant.

    Attributes:
        t: instant of the request, microseconds since 1970 UTC.
        query: its text as sent.
        utc_offset_minutes: of the shopper's clock, where it is known.
        user: "<view>__<feature>" → scalar, list or None; absent or None is missing;
            "<view>__present" tells whether the view knows the user.
        query_row: the same for the query's views.
        market_row: the same for the market's.
        item_ids: the N candidates, in the order given.
        items: "<view>__<feature>" → N values, None or NaN where missing; "<view>__present" → N.
        source_ranks: item id → candidate source → (rank from 1, score).
        memo: what was read of them before, so that families need not read it again.
    """

    t: int
    query: str | None = None
    utc_offset_minutes: float | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    query_row: Mapping[str, Any] = field(default_factory=dict)
    market_row: Mapping[str, Any] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    items: Mapping[str, Sequence[Any] | npt.NDArray[Any]] = field(default_factory=dict)
    source_ranks: SourceRanks = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def with_fields(self, **more: Any) -> "RequestContext":
        """The same candidates with more known; what was read of them before stays read."""
        fuller = replace(self, **more)
        fuller.memo.update(self.memo)
        return fuller

    def select(self, places: Sequence[int]) -> "RequestContext":
        """The same request with M of its candidates, by their places among the N."""
        return replace(
            self,
            item_ids=[self.item_ids[n] for n in places],
            items={name: [values[n] for n in places] for name, values in self.items.items()},
        )

    def item_numbers(self, name: str) -> Floats:
        """Shape (N,): a number of each candidate, NaN where missing; not to be written to."""
        if name not in self.memo:
            values = self.items.get(name)
            self.memo[name] = self.blank if values is None else as_numbers(values)
        numbers: Floats = self.memo[name]
        return numbers

    @cached_property
    def blank(self) -> Floats:
        """Shape (N,): a number that no candidate has; not to be written to."""
        return np.full(len(self.item_ids), np.nan)

    def item_table(self, names: Sequence[str]) -> Floats:
        """Shape (K, N): K numbers of each candidate, NaN where missing."""
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
        """Shape (N,): 1 where the view knows the candidate, else 0."""
        return or_zero(self.item_numbers(f"{view}__present"))

    def item_values(self, name: str) -> "ItemValues":
        """The texts of a category or list field of each candidate, none where missing."""
        key = "texts", name
        if key not in self.memo:
            values = self.items.get(name, [None] * len(self.item_ids))
            self.memo[key] = ItemValues.of(values)
        texts: ItemValues = self.memo[key]
        return texts

    def taste_values(self, columns: Sequence[str]) -> "FieldValues":
        """The texts of each candidate in F category and list fields."""
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
        distinct: D texts, in the order in which they come first.
        codes: shape (V,), item by item, the place of each text among the distinct ones.
        sizes: shape (N,), how many each item has.
    """

    distinct: list[str]
    codes: npt.NDArray[np.integer[Any]]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[Any] | npt.NDArray[Any]) -> "ItemValues":
        """Lay out a column of texts, lists of texts, or missing values."""
        return FieldValues.of([values], len(values)).items

    def sums(self, numbers: Floats) -> Floats:
        """Sum of the numbers of an item's texts: (…, V) to (…, N); 0 where it has none."""
        return self._folded(np.add, numbers, 0.0)

    def unions(self, bits: Bits) -> Bits:
        """All bits of an item's texts: (…, V) to (…, N); none where it has no text."""
        return self._folded(np.bitwise_or, bits, 0)

    def means(self, numbers: Floats) -> Floats:
        """Their mean, (…, V) to (…, N); NaN where it has none."""
        return self.shared(self.sums(numbers))

    def shared(self, sums: Floats) -> Floats:
        """Means from sums, both (…, N); NaN where an item has no text."""
        if self._is_single:
            return sums
        means: Floats = sums / np.where(self.sizes, self.sizes, np.nan)
        return means

    def highest(self, numbers: Floats) -> Floats:
        """The highest of them, (…, V) to (…, N); NaN where it has none."""
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
        """Whether every item has one text, as of a category it usually has."""
        return self.codes.size == self.sizes.size and bool((self.sizes == 1).all())

    @cached_property
    def _filled(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Which items have a text, and where the texts of each of these begin."""
        filled, starts = self.sizes > 0, np.cumsum(self.sizes) - self.sizes
        return filled, starts if filled.all() else starts[filled]


@dataclass(frozen=True)
class FieldValues:
    """Texts of N items in F fields, laid end to end: what is done to all fields is done at once.

    Attributes:
        distinct: of each field, its distinct texts.
        items: the same as texts of F · N items, those of the first field first.
        shape: F and N.
    """

    distinct: list[list[str]]
    items: ItemValues
    shape: tuple[int, int]

    @classmethod
    def of(cls, fields: Sequence[Sequence[Any] | npt.NDArray[Any]], size: int) -> "FieldValues":
        """Lay out F columns of texts, lists of texts, or missing values, of N items each."""
        distinct: list[list[str]] = []
        codes: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        sizes = np.ones((len(fields), size), np.int64)
        for n, values in enumerate(fields):
            start = sum(map(len, distinct))
            if (laid := _singly(values, start)) is None:
                read = [*map(as_values, values)]
                sizes[n] = [*map(len, read)]
                laid = _numbered([*chain.from_iterable(read)], start)
            distinct.append(laid[0])
            codes.append(laid[1])
        texts = [*chain.from_iterable(distinct)]
        items = ItemValues(texts, np.concatenate(codes), sizes.reshape(-1))
        return cls(distinct, items, (len(fields), size))

    def by_field(self, numbers: Numbers) -> Numbers:
        """Numbers of F · N items, shape (…, F · N), as (…, F, N)."""
        shaped: Numbers = numbers.reshape(*numbers.shape[:-1], *self.shape)
        return shaped


def _numbered(texts: Sequence[str] | npt.NDArray[Any], start: int) -> Numbered:
    """The distinct texts, in the order in which they come first, and the number of each text."""
    distinct = [*dict.fromkeys(texts)]
    number = dict(zip(distinct, count(start), strict=False))
    return distinct, np.fromiter(map(number.__getitem__, texts), np.int64, len(texts))


def _singly(values: Sequence[Any] | npt.NDArray[Any], start: int) -> Numbered | None:
    """The same of values of which each is one text; None where one is not, or is empty."""
    try:
        distinct, numbers = _numbered(values, start)
    except TypeError:
        return None
    return None if {*map(type, distinct)} - {str} or "" in distinct else (distinct, numbers)


def or_zero(values: npt.ArrayLike) -> Floats:
    """Numbers with 0 where they are missing; `nan_to_num` looks for infinities too, three times."""
    numbers: Floats = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(numbers), 0.0, numbers)


def is_present(row: Mapping[str, Any], view: str) -> bool:
    """Whether a view knows the entity of this row."""
    return row.get(f"{view}__present") in (True, 1)


def as_number(value: Any) -> float:
    """A scalar as a float; NaN where it is missing or no number."""
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def as_numbers(values: Iterable[Any]) -> Floats:
    """A column as float64; NaN where a value is missing or no number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([as_number(value) for value in values], dtype=np.float64)


def as_values(value: Any) -> tuple[str, ...]:
    """The distinct texts of a category or list value, in order; none where missing."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, (list, tuple)):
        return tuple(dict.fromkeys(value))
    if isinstance(value, np.ndarray):
        return as_values(value.tolist())
    return ()


def as_list(value: Any) -> list[Any]:
    """A list value as a list; empty where missing."""
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, (list, tuple)) else []
