"""Join keys as integer codes: the code of a composite key combines its values' indexes.

Numbers of any width compare by value and texts by their characters.  So a data frame's 32-bit key,
or its float key (pandas turns integers with nulls into floats), matches a file's 64-bit key.
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
"""Code of a key that is null or not indexed; it equals no other key."""

_CODE_BITS = 62
_SPARSE = 16
"""A table of all integers in a range pays off if it has at most this many for each that occurs."""
_SMALL_TABLE = 1 << 20
_SHORT_LIST = 1 << 12


@dataclass(frozen=True)
class IntegerRange:
    """The integers from `low` on: the code of a value is its distance from `low`."""

    low: int
    size: int
    is_quick = True

    def codes(self, column: Column) -> Codes:
        """Return the codes of integers; `UNKNOWN` for nulls and outside of the range."""
        numbers = cast_keys(column, pa.int64()).fill_null(self.low - 1)
        codes: Codes = _one_chunk(numbers).to_numpy(zero_copy_only=False) - self.low
        codes[(codes < 0) | (codes >= self.size)] = UNKNOWN
        return codes

    @property
    def nbytes(self) -> int:
        """Memory that the codes need."""
        return 0


@dataclass(frozen=True)
class ValueList:
    """Distinct values: the code of a value is its index in the list."""

    values: pa.Array

    @property
    def kind(self) -> pa.DataType:
        """The type that values are cast to before they are compared."""
        return self.values.type

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    @property
    def is_quick(self) -> bool:
        """Whether a lookup needs no hash table of a long list, which Arrow builds at each call."""
        return self._table is not None or self.size < _SHORT_LIST

    def codes(self, column: Column) -> Codes:
        """Return the codes of values; `UNKNOWN` for nulls and values outside the list."""
        keys = cast_keys(column, self.kind)
        if self._table is not None:
            integers, indexes = self._table
            # UNKNOWN is -1 and picks the last entry of the table, which is UNKNOWN too.
            codes: Codes = indexes[integers.codes(keys)]
            return codes
        positions = _one_chunk(pc.index_in(keys, self.values, skip_nulls=True)).fill_null(UNKNOWN)
        return np.asarray(positions.to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def _table(self) -> "tuple[IntegerRange, Codes] | None":
        """The index of every integer between the smallest and the largest, if they are dense."""
        if self.kind != pa.int64() or not self.size:
            return None
        numbers = self.values.to_numpy()
        low, size = int(numbers.min()), int(numbers.max()) - int(numbers.min()) + 1
        if size > max(_SMALL_TABLE, _SPARSE * self.size):
            return None
        indexes = np.full(size + 1, UNKNOWN, dtype=np.int64)
        indexes[numbers - low] = np.arange(self.size)
        return IntegerRange(low, size), indexes

    @property
    def nbytes(self) -> int:
        """Memory that the codes need."""
        return int(self.values.nbytes)


@dataclass(frozen=True)
class KeyCodes:
    """The values of each key column, and the codes of their combinations."""

    columns: tuple[IntegerRange | ValueList, ...]

    def __post_init__(self) -> None:
        if self.combinations >= 1 << _CODE_BITS:
            sizes = [column.size for column in self.columns]
            raise CatalogueError(
                f"Join keys with {sizes} values have too many combinations to number; "
                "join on one column that combines them."
            )

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "KeyCodes":
        """Index the distinct values of key columns, without nulls.

        Raises:
            CatalogueError: their combinations do not fit into 62 bits.
        """
        return cls(tuple(ValueList(_one_chunk(as_keys(c).unique()).drop_null()) for c in columns))

    @property
    def nbytes(self) -> int:
        """Memory that the codes need."""
        return sum(column.nbytes for column in self.columns)

    @property
    def is_quick(self) -> bool:
        """Whether codes cost the same per row in small batches as in large ones."""
        return all(column.is_quick for column in self.columns)

    @property
    def combinations(self) -> int:
        """An upper bound of the codes, exclusive."""
        return prod(column.size + 1 for column in self.columns)

    def codes(self, columns: Sequence[Column], rows: int, *, nulls: bool = False) -> Codes:
        """Return the codes of n keys: `UNKNOWN` if not indexed, 0 if there are no key columns.

        Args:
            columns: n values of each key column.
            rows: n.
            nulls: whether null is an ordinary key value; else it is unknown.
        """
        codes = np.zeros(rows, dtype=np.int64)
        unknown = np.zeros(rows, dtype=bool)
        # A composite code is a number in mixed radix: one digit per column, null the last digit.
        for values, column in zip(self.columns, columns, strict=True):
            digits = values.codes(column)
            if nulls and column.null_count:
                missing = _one_chunk(column).is_null().to_numpy(zero_copy_only=False)
                digits[missing] = values.size
            unknown |= digits < 0
            codes *= values.size + 1
            codes += digits
        codes[unknown] = UNKNOWN
        return codes


def integer_range(smallest: int, largest: int, rows: int) -> IntegerRange | None:
    """Return the range of a column of n integers, None if they are too sparse."""
    size = largest - smallest + 1
    return IntegerRange(smallest, size) if size <= max(_SMALL_TABLE, _SPARSE * rows) else None


def as_keys(column: Column) -> Column:
    """Cast a column to the comparison type of its kind of keys."""
    return cast_keys(column, key_type(column.type))


def cast_keys(column: Column, kind: pa.DataType) -> Column:
    """Cast keys to another type; null where no value equals the key.  -0.0 becomes 0.0.

    Raises:
        CatalogueError: keys of the two types are never equal, like texts and numbers.
    """
    keys = _cast(column, kind)
    return pc.add(keys, 0.0) if pa.types.is_floating(keys.type) else keys


def key_type(kind: pa.DataType) -> pa.DataType:
    """Return the comparison type of keys of a type."""
    if pa.types.is_dictionary(kind):
        return key_type(kind.value_type)
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
        raise _incompatible(column.type, kind)
    try:
        return pc.cast(column, kind)
    except pa.ArrowNotImplementedError as error:
        raise _incompatible(column.type, kind) from error
    except pa.ArrowInvalid as error:
        if not _is_number(kind):
            raise _incompatible(column.type, kind) from error
        return _cast_exactly(column, kind)


def _cast_exactly(column: Column, kind: pa.DataType) -> Column:
    """Cast the numbers that the type can represent exactly; the others become null."""
    numbers = _one_chunk(column)
    cast = pc.cast(numbers, kind, safe=False)
    exact = pc.equal(pc.cast(cast, numbers.type, safe=False), numbers)
    return pc.if_else(exact, cast, pa.scalar(None, kind))


def _incompatible(actual: pa.DataType, expected: pa.DataType) -> CatalogueError:
    return CatalogueError(f"A join key of type {actual} never equals one of type {expected}.")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind)) or "view" in str(kind)


def _one_chunk(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
