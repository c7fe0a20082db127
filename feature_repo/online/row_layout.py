"""Where each feature of a view lies in its stored row.

A row is one string, little-endian:

    header     u8 version · u8 flags · u32 schema · i64 event time µs
    nulls      one bit a feature, in the order of `fields`
    fixed      8-byte values, 4-byte values, bytes: each width in one block
    ends       u32 for each feature of variable size: where its payload ends, after the first
    payloads   text, bytes, and Feast's own message for lists, sets and maps
    created    i64 µs, only where it differs from the event time (flag 1)

Everything up to the payloads has one size for all rows of a view, so N rows are one numpy array.
`schema` is a hash of names and types: a row of another schema reads as missing.  `rows.lua` reads
the header.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.errors import CatalogueError

if TYPE_CHECKING:
    from feast import FeatureView

VERSION = 1
HAS_CREATED = 1
"""Flag of a row whose created time differs from its event time."""

FIXED = {
    "UNIX_TIMESTAMP": "<i8",
    "INT64": "<i8",
    "DOUBLE": "<f8",
    "INT32": "<i4",
    "FLOAT": "<f4",
    "BOOL": "|u1",
}
"""Feast's types of one size, and how they are stored; a timestamp is µs since 1970."""

_UNTYPED = {"UNKNOWN", "NULL"}
_BLOCKS = tuple(dict.fromkeys(FIXED.values()))
_HEADER = [("version", "u1"), ("flags", "u1"), ("schema", "<u4"), ("event", "<i8")]


@dataclass(frozen=True)
class RowField:
    """One feature.

    Attributes:
        name: of the feature.
        kind: name of its Feast value type.
        slot: its place in the block of its width, or among the features of variable size.
    """

    name: str
    kind: str
    slot: int

    @property
    def block(self) -> str | None:
        """Numpy code of the block it lies in; None where its size varies."""
        return FIXED.get(self.kind)


@dataclass(frozen=True)
class RowLayout:
    """The fields of a view's rows, in the order of their null bits."""

    fields: tuple[RowField, ...]
    schema: int

    @classmethod
    def of(cls, view: "FeatureView") -> "RowLayout":
        """The layout of a view's rows; the order in which it declares its fields does not matter.

        Raises:
            CatalogueError: a field has no type that can be stored.
        """
        kinds = {field.name: field.dtype.to_value_type().name for field in view.features}
        return cls.from_kinds(kinds.items(), view.join_keys)

    @classmethod
    def from_kinds(
        cls, kinds: Iterable[tuple[str, str]], join_keys: Sequence[str] = ()
    ) -> "RowLayout":
        """The layout of features given as name and Feast value type.

        Raises:
            CatalogueError: a field has no type that can be stored.
        """
        ordered = sorted(kinds)
        taken: dict[str | None, int] = {}
        fields = []
        for name, kind in ordered:
            if kind in _UNTYPED:
                raise CatalogueError(f"{name}: expected a type that can be stored, found {kind}.")
            block = FIXED.get(kind)
            fields.append(RowField(name, kind, taken.get(block, 0)))
            taken[block] = taken.get(block, 0) + 1
        return cls(tuple(fields), _schema(ordered, join_keys))

    @cached_property
    def head(self) -> "np.dtype[np.void]":
        """Everything before the payloads; blocks are named by their numpy codes, and `ends`."""
        counts = {code: sum(f.block == code for f in self.fields) for code in _BLOCKS}
        blocks = [(code, code, (count,)) for code, count in counts.items() if count]
        ends = [("ends", "<u4", (len(self.variable),))] if self.variable else []
        return np.dtype([*_HEADER, ("nulls", "u1", (-(-len(self.fields) // 8),)), *blocks, *ends])

    @cached_property
    def variable(self) -> tuple[RowField, ...]:
        """The fields of variable size, in the order of their payloads."""
        return tuple(field for field in self.fields if field.block is None)

    @cached_property
    def places(self) -> dict[str, int]:
        """Each field's place among the null bits, by name."""
        return {field.name: place for place, field in enumerate(self.fields)}

    @cached_property
    def blank(self) -> bytes:
        """The head of a row in which nothing is known."""
        head = np.zeros((), self.head)
        head["nulls"] = 0xFF
        return head.tobytes()


def _schema(kinds: Sequence[tuple[str, str]], join_keys: Sequence[str]) -> int:
    """Joined keys are part of it because their names decide the order of the key's values."""
    composite = sorted(join_keys) if len(join_keys) > 1 else []
    words = [f"{len(name)}:{name}{kind}" for name, kind in kinds] + ["", *composite]
    return zlib.crc32("\0".join(words).encode())
