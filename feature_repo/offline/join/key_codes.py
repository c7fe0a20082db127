"""Join keys as numbers: the code of a composite key is its place among the known values.

Numbers of any width compare by value and texts by their characters, so that the 32-bit or, for a
null beside it, floating key of a data frame finds the 64-bit key of a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import CatalogueError

Codes = npt.NDArray[np.int64]
Column: TypeAlias = pa.Array | pa.ChunkedArray

UNKNOWN = -1
"""Code of a key that is null or not among the known ones; it equals no other."""

_CODE_BITS = 62
_SPARSE = 16
"""A table of every number between two is worth it up to that many numbers for each that occurs."""
_SMALL_TABLE = 1 << 20
_SHORT_LIST = 1 << 12


@dataclass(frozen=True)
class Span:
    """Every whole number from `low` on: its code is its distance."""

    low: int
    size: int
    is_quick = True

    def codes(self, column: Column) -> Codes:
        """Of numbers; `UNKNOWN` outside and for nulls."""
        numbers = as_type(column, pa.int64()).fill_null(self.low - 1)
        codes: Codes = _whole(numbers).to_numpy(zero_copy_only=False) - self.low
        codes[(codes < 0) | (codes >= self.size)] = UNKNOWN
        return codes

    @property
    def nbytes(self) -> int:
        """What keeping it costs."""
        return 0


@dataclass(frozen=True)
class Listed:
    """Distinct values: the code is the place in the list."""

    values: pa.Array

    @property
    def kind(self) -> pa.DataType:
        """In which the values are compared."""
        return self.values.type

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values)

    @property
    def is_quick(self) -> bool:
        """Looked up in a table; a list is hashed anew each time."""
        return self._table is not None or self.size < _SHORT_LIST

    def codes(self, column: Column) -> Codes:
        """Of values; `UNKNOWN` for others and for nulls."""
        same = as_type(column, self.kind)
        if self._table is not None:
            span, places = self._table
            found: Codes = places[span.codes(same)]
            return found
        places = pc.index_in(same, self.values, skip_nulls=True)
        codes = _whole(places).fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
        return np.asarray(codes, dtype=np.int64)

    @cached_property
    def _table(self) -> "tuple[Span, Codes] | None":
        """The place of every number between the least and the greatest, where that is short."""
        if self.kind != pa.int64() or not self.size:
            return None
        numbers = self.values.to_numpy()
        low, size = int(numbers.min()), int(numbers.max()) - int(numbers.min()) + 1
        if size > max(_SMALL_TABLE, _SPARSE * self.size):
            return None
        places = np.full(size + 1, UNKNOWN, dtype=np.int64)
        places[numbers - low] = np.arange(self.size)
        return Span(low, size), places

    @property
    def nbytes(self) -> int:
        """What keeping it costs."""
        return int(self.values.nbytes)


@dataclass(frozen=True)
class Vocabulary:
    """The known values of each key column."""

    columns: tuple[Span | Listed, ...]

    def __post_init__(self) -> None:
        if self.combinations >= 1 << _CODE_BITS:
            sizes = [column.size for column in self.columns]
            raise CatalogueError(
                f"Join keys with {sizes} values have too many combinations to number; "
                "join on one column that combines them."
            )

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Vocabulary":
        """Of the values that occur, nulls left out.

        Raises:
            CatalogueError: their combinations do not fit into 62 bits.
        """
        return cls(tuple(Listed(_whole(comparable(c).unique()).drop_null()) for c in columns))

    @property
    def nbytes(self) -> int:
        """What keeping it costs."""
        return sum(column.nbytes for column in self.columns)

    @property
    def is_quick(self) -> bool:
        """Whether codes cost the same a row in small batches as in large ones."""
        return all(column.is_quick for column in self.columns)

    @property
    def combinations(self) -> int:
        """Every code is less."""
        return prod(column.size + 1 for column in self.columns)

    def codes(self, columns: Sequence[Column], rows: int, *, nulls: bool = False) -> Codes:
        """Codes of n keys, `UNKNOWN` for keys that were never seen; all 0 where there is no key.

        Args:
            columns: n values of each key column.
            rows: n.
            nulls: whether null is a key like others; else it is unknown.
        """
        codes = np.zeros(rows, dtype=np.int64)
        unknown = np.zeros(rows, dtype=bool)
        for known, column in zip(self.columns, columns, strict=True):
            found = known.codes(column)
            if nulls and column.null_count:
                missing = _whole(column).is_null().to_numpy(zero_copy_only=False)
                found[missing] = known.size
            unknown |= found < 0
            codes *= known.size + 1
            codes += found
        codes[unknown] = UNKNOWN
        return codes


def spanned(least: int, greatest: int, rows: int) -> Span | None:
    """A span for a column of n whole numbers, if they lie close enough together."""
    size = greatest - least + 1
    return Span(least, size) if size <= max(_SMALL_TABLE, _SPARSE * rows) else None


def comparable(column: Column) -> Column:
    """The column in the one type in which keys of its kind are compared."""
    return as_type(column, common(column.type))


def as_type(column: Column, kind: pa.DataType) -> Column:
    """The keys as another type; null where one has no equal there.  Both zeros become 0.0.

    Raises:
        CatalogueError: keys of the two types never equal each other, like texts and numbers.
    """
    same = _cast(column, kind)
    return pc.add(same, 0.0) if pa.types.is_floating(same.type) else same


def common(kind: pa.DataType) -> pa.DataType:
    """The one type in which keys of a type are compared."""
    if pa.types.is_dictionary(kind):
        return common(kind.value_type)
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    return pa.string() if _is_text(kind) else kind


def _cast(column: Column, kind: pa.DataType) -> Column:
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        return _cast(column.cast(column.type.value_type), kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(column))
    if _is_number(column.type) != _is_number(kind) and not pa.types.is_null(column.type):
        raise _unlike(column.type, kind)
    try:
        return pc.cast(column, kind)
    except pa.ArrowNotImplementedError as error:
        raise _unlike(column.type, kind) from error
    except pa.ArrowInvalid as error:
        if not _is_number(kind):
            raise _unlike(column.type, kind) from error
        return _exact(column, kind)


def _exact(column: Column, kind: pa.DataType) -> Column:
    """Numbers that the type can hold exactly; the others become null."""
    whole = _whole(column)
    cast = pc.cast(whole, kind, safe=False)
    same = pc.equal(pc.cast(cast, whole.type, safe=False), whole)
    return pc.if_else(same, cast, pa.scalar(None, kind))


def _unlike(found: pa.DataType, expected: pa.DataType) -> CatalogueError:
    return CatalogueError(f"No join key that is {found} equals one that is {expected}.")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind)) or "view" in str(kind)


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
