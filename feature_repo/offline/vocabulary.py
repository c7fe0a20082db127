"""Join keys as numbers: the code of a composite key is its place among the known values.

Numbers of any width compare by value and texts by their characters, so that the 32-bit or, for a
null beside it, floating key of a data frame finds the 64-bit key of a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.errors import CatalogueError

Codes = npt.NDArray[np.int64]

_CODE_BITS = 62

UNKNOWN = -1
"""Code of a key that is null or not among the known ones; it equals no other."""


@dataclass(frozen=True)
class Vocabulary:
    """The distinct values of each key column."""

    values: tuple[pa.Array, ...]

    @classmethod
    def of(cls, columns: Sequence[pa.Array | pa.ChunkedArray]) -> "Vocabulary":
        """Of the values that occur, nulls left out.

        Raises:
            CatalogueError: their combinations do not fit into 62 bits.
        """
        values = tuple(_whole(comparable(column).unique()).drop_null() for column in columns)
        if prod(len(known) + 1 for known in values) >= 1 << _CODE_BITS:
            raise CatalogueError(
                f"{len(values)} join keys with {[len(known) for known in values]} values are too "
                "many combinations to number; join on one column that combines them."
            )
        return cls(values)

    def codes(
        self, columns: Sequence[pa.Array | pa.ChunkedArray], rows: int, *, nulls: bool = False
    ) -> Codes:
        """Codes of n keys, `UNKNOWN` for keys that were never seen; all 0 where there is no key.

        Args:
            columns: n values of each key column.
            rows: n.
            nulls: whether null is a key like others; else it is unknown.
        """
        codes = np.zeros(rows, dtype=np.int64)
        unknown = np.zeros(rows, dtype=bool)
        for values, column in zip(self.values, columns, strict=True):
            places = pc.index_in(as_type(column, values.type), values, skip_nulls=True)
            found = _whole(places).fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
            if nulls:
                missing = _whole(column).is_null().to_numpy(zero_copy_only=False)
                found = np.where(missing, len(values), found)
            unknown |= found < 0
            codes *= len(values) + 1
            codes += found
        codes[unknown] = UNKNOWN
        return codes

    def part(self, number: int, parts: int) -> "Vocabulary":
        """One of `parts` shares of the first column's values; the codes are its own."""
        first, *others = self.values
        return Vocabulary((first[number::parts] if parts > 1 else first, *others))


def comparable(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column in the one type in which keys of its kind are compared."""
    return as_type(column, _common(column.type))


def as_type(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """The keys as another type; null where one has no equal there.

    Raises:
        CatalogueError: keys of the two types never equal each other, like texts and numbers.
    """
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        return as_type(column.cast(column.type.value_type), kind)
    try:
        return pc.cast(column, kind)
    except pa.ArrowNotImplementedError as error:
        raise _unlike(column.type, kind) from error
    except pa.ArrowInvalid as error:
        if not (_is_number(column.type) and _is_number(kind)):
            raise _unlike(column.type, kind) from error
        return _exact(column, kind)


def _common(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _common(kind.value_type)
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    return pa.string() if _is_text(kind) else kind


def _exact(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Numbers that the type can hold exactly; the others become null."""
    whole = _whole(column)
    cast = pc.cast(whole, kind, safe=False)
    same = pc.equal(pc.cast(cast, whole.type, safe=False), whole)
    return pc.if_else(same, cast, pa.scalar(None, kind))


def _unlike(found: pa.DataType, expected: pa.DataType) -> CatalogueError:
    return CatalogueError(f"A join key is {found} in one table and {expected} in the other.")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind)) or "view" in str(kind)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
