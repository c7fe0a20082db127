"""A text field of all items, encoded as numbers."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import ItemValues
from feature_repo.shop import folded_value
from training.retrieval.catalogue.ranked_list import Flags, Rows

FEW = 8
"""If fewer than one item in so many is selected, count only the selected items."""


@dataclass(frozen=True)
class EncodedField:
    """A text field of N items, encoded as numbers.

    Attributes:
        values: the V distinct texts, sorted; after changes, some may have no item.
        codes: shape (M,), the index in `values` of each of the items' M texts, item by item.
        sizes: shape (N,), number of texts of each item.
    """

    values: list[str]
    codes: Rows
    sizes: Rows

    @classmethod
    def of(cls, values: Sequence[object]) -> "EncodedField":
        """Encode a column of texts, lists of texts, booleans or missing values."""
        named = [str(v).lower() if isinstance(v, bool) else v for v in values]
        encoded = ItemValues.of(named)
        distinct = sorted(encoded.distinct)
        code_of = {value: number for number, value in enumerate(distinct)}
        codes = np.array([code_of[value] for value in encoded.distinct], np.int64)[encoded.codes]
        return cls(distinct, codes, encoded.sizes)

    @cached_property
    def code(self) -> dict[str, list[int]]:
        """Codes of the texts by folded text."""
        codes: dict[str, list[int]] = {}
        for number, value in enumerate(self.values):
            codes.setdefault(folded_value(value), []).append(number)
        return codes

    def facet(self, selected: Flags) -> list[tuple[str, int]]:
        """Count the selected items that have each value; the most frequent form names a value.

        Returns: values and counts, in the order of the values.
        """
        counts = self.counts(selected)
        if len(self.code) == len(self.values):
            return list(zip(self.values, counts.tolist(), strict=True))
        names = [max(codes, key=lambda n: (counts[n], -n)) for codes in self.code.values()]
        # An item may have several forms of a value.
        pairs = np.unique(
            np.stack([self._group[self.codes], self.rows])[:, selected[self.rows]], axis=1
        )
        items = np.bincount(pairs[0], minlength=len(names)).tolist()
        # A form without items may be the first of its group, so the groups have another order.
        return sorted((self.values[name], n) for name, n in zip(names, items, strict=True))

    @cached_property
    def _group(self) -> Rows:
        """Shape (V,): the number of each text's folded form."""
        group = np.empty(len(self.values), np.int64)
        for number, codes in enumerate(self.code.values()):
            group[codes] = number
        return group

    @cached_property
    def rows(self) -> Rows:
        """Shape (M,): the item of each text."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def counts(self, selected: Flags) -> npt.NDArray[np.int64]:
        """Count the selected items that have each text, shape (V,)."""
        rows = np.flatnonzero(selected)
        is_few = FEW * rows.size < selected.size
        positions = self._positions(rows) if is_few else selected[self.rows]
        return np.bincount(self.codes[positions], minlength=len(self.values))

    def with_values(self, rows: Rows, values: Sequence[object], size: int) -> "EncodedField":
        """Return the field of `size` items with other values in some rows.

        Args:
            rows: K, each once; those from N on are new.
            values: K, as `of` reads them.
            size: at least N.
        """
        fresh = EncodedField.of(values)
        merged, shifts = _merged(self.values, fresh.values)
        fresh_codes = np.array([bisect_left(merged, value) for value in fresh.values], np.int64)
        sizes = np.zeros(size, self.sizes.dtype)
        sizes[: self.sizes.size] = self.sizes
        sizes[rows] = fresh.sizes
        unchanged = np.ones(self.codes.size, dtype=np.bool_)
        unchanged[self._positions(rows[rows < self.sizes.size])] = False
        item_of = np.concatenate([self.rows[unchanged], np.repeat(rows, fresh.sizes)])
        codes = np.concatenate([shifts[self.codes[unchanged]], fresh_codes[fresh.codes]])
        return EncodedField(merged, codes[np.argsort(item_of, kind="stable")], sizes)

    def _positions(self, rows: Rows) -> Rows:
        """Return the positions among the M of the texts of some items."""
        sizes = self.sizes[rows]
        skipped = self._ends[rows] - np.cumsum(sizes)
        return np.arange(sizes.sum()) + np.repeat(skipped, sizes)

    @cached_property
    def _ends(self) -> Rows:
        return np.cumsum(self.sizes)


def _merged(values: list[str], more: Sequence[str]) -> tuple[list[str], Rows]:
    """Return the sorted union of two sorted lists, and the index in it of each of `values`."""
    before = [(bisect_left(values, value), value) for value in more]
    inserted = [(n, value) for n, value in before if values[n : n + 1] != [value]]
    old = np.arange(len(values))
    if not inserted:
        return values, old
    shifts = np.searchsorted([n for n, _ in inserted], old, side="right")
    return sorted([*values, *(value for _, value in inserted)]), old + shifts
