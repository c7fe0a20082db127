"""The position of each feature of a view in its stored row.

A row is one string, little-endian:

    header     u8 version · u8 flags · u32 schema · i64 event time µs
    nulls      one bit a feature, in the order of `fields`
    fixed      times, longs, doubles, ints, floats, bools: each in one block
    ends       u32 for each feature of variable size: the end of its payload, after the first
    payloads   text, bytes, and Feast's own message for lists, sets and maps
    created    i64 µs, only where it differs from the event time (flag 1)
    checksum   u32, CRC-32 of everything before it

Longs take 8, 4 or 2 bytes and doubles 8 or 4: the fewest that hold all of a row's values exactly;
the flags encode these widths.  Everything up to the payloads has one size for all rows of a view
with the same widths, so N rows are one numpy array.  `schema` is a hash of names and types: a row
of another schema reads as missing, and so does one whose checksum is wrong.  `rows.lua` reads the
header and the created time.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.home import CatalogueError

if TYPE_CHECKING:
    from feast import FeatureView

VERSION = 2
HAS_CREATED = 1
"""Flag of a row whose created time differs from its event time."""

KIND_SIZE = 6
"""Number of bytes at the start of a row that identify its format: version, flags and schema."""

CHECKSUM_SIZE = 4
WHOLE = 0x2144DF1C
"""CRC-32 of any bytes followed by their own CRC-32, little-endian."""

BLOCK_OF = {
    "UNIX_TIMESTAMP": "times",
    "INT64": "longs",
    "DOUBLE": "doubles",
    "INT32": "ints",
    "FLOAT": "floats",
    "BOOL": "bools",
}
"""Feast's types of fixed size → their block; a time is µs since 1970."""

WIDTHS = {
    "times": ("<i8",),
    "longs": ("<i8", "<i4", "<i2"),
    "doubles": ("<f8", "<f4"),
    "ints": ("<i4",),
    "floats": ("<f4",),
    "bools": ("|u1",),
}
"""Block → the types its values may be stored in, widest first."""

FLAG_SHIFT = {"longs": 1, "doubles": 3}
"""Block → position of its width in the flags."""

WIDTH_FLAGS = 0b1110

_UNTYPED = {"UNKNOWN", "NULL"}
_HEADER = [("version", "u1"), ("flags", "u1"), ("schema", "<u4"), ("event", "<i8")]


@dataclass(frozen=True)
class RowField:
    """One feature.

    Attributes:
        name: of the feature.
        kind: name of its Feast value type.
        slot: its position in its block, or among the features of variable size.
    """

    name: str
    kind: str
    slot: int

    @property
    def block(self) -> str | None:
        """Its block; None where its size varies."""
        return BLOCK_OF.get(self.kind)


@dataclass(frozen=True)
class RowLayout:
    """The fields of a view's rows, in the order of their null bits."""

    fields: tuple[RowField, ...]
    schema: int

    def __hash__(self) -> int:
        return self.schema

    @classmethod
    def of(cls, view: "FeatureView") -> "RowLayout":
        """Return the layout of a view's rows; the order of its declared fields does not matter.

        Raises:
            CatalogueError: a field has no type that can be stored.
        """
        kinds = {field.name: field.dtype.to_value_type().name for field in view.features}
        return cls.from_kinds(kinds.items(), view.join_keys)

    @classmethod
    def from_kinds(
        cls, kinds: Iterable[tuple[str, str]], join_keys: Sequence[str] = ()
    ) -> "RowLayout":
        """Return the layout of features given as name and Feast value type.

        Raises:
            CatalogueError: a field has no type that can be stored.
        """
        ordered = sorted(kinds)
        sizes: dict[str | None, int] = {}
        fields = []
        for name, kind in ordered:
            if kind in _UNTYPED:
                raise CatalogueError(f"{name}: expected a type that can be stored, found {kind}.")
            block = BLOCK_OF.get(kind)
            fields.append(RowField(name, kind, sizes.get(block, 0)))
            sizes[block] = sizes.get(block, 0) + 1
        return cls(tuple(fields), _schema(ordered, join_keys))

    @property
    def head(self) -> "np.dtype[np.void]":
        """The type of everything before the payloads, by block name, at full width."""
        return self.heads[0]

    @cached_property
    def heads(self) -> "dict[int, np.dtype[np.void]]":
        """The types of everything before the payloads, by width flags."""
        longs = range(len(WIDTHS["longs"]) if self._count("longs") else 1)
        doubles = range(len(WIDTHS["doubles"]) if self._count("doubles") else 1)
        return {
            flags_of(longs=long, doubles=double): self._head({"longs": long, "doubles": double})
            for long, double in product(longs, doubles)
        }

    @cached_property
    def sizes(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Bytes before the payloads, by flags; larger than any row for invalid flags."""
        sizes = np.full(256, np.iinfo(np.int64).max // 2, np.int64)
        for flags, head in self.heads.items():
            sizes[[flags, flags | HAS_CREATED]] = head.itemsize
        return sizes

    def kind(self, flags: int) -> bytes:
        """Return the first bytes of rows with these flags."""
        return struct.pack("<BBI", VERSION, flags, self.schema)

    @cached_property
    def variable(self) -> tuple[RowField, ...]:
        """The fields of variable size, in the order of their payloads."""
        return tuple(field for field in self.fields if field.block is None)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Each field's position among the null bits, by name."""
        return {field.name: position for position, field in enumerate(self.fields)}

    @cached_property
    def blank(self) -> bytes:
        """The head of a row of nulls."""
        head = np.zeros((), self.head)
        head["nulls"] = 0xFF
        return head.tobytes()

    def _count(self, block: str) -> int:
        return sum(field.block == block for field in self.fields)

    def _head(self, widths: dict[str, int]) -> "np.dtype[np.void]":
        blocks = [
            (name, codes[widths.get(name, 0)], (self._count(name),))
            for name, codes in WIDTHS.items()
            if self._count(name)
        ]
        ends = [("ends", "<u4", (len(self.variable),))] if self.variable else []
        return np.dtype([*_HEADER, ("nulls", "u1", (-(-len(self.fields) // 8),)), *blocks, *ends])


def flags_of(*, longs: int, doubles: int) -> int:
    """Return the flags of a row whose longs and doubles have these positions in `WIDTHS`."""
    return longs << FLAG_SHIFT["longs"] | doubles << FLAG_SHIFT["doubles"]


def _schema(kinds: Sequence[tuple[str, str]], join_keys: Sequence[str]) -> int:
    """Hash names and types.  Composite keys are part of it: their names order the key's values."""
    composite = sorted(join_keys) if len(join_keys) > 1 else []
    words = [f"{len(name)}:{name}{kind}" for name, kind in kinds] + ["", *composite]
    return zlib.crc32("\0".join(words).encode())
