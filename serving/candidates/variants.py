"""Variants of one product: a list shows one item of each group."""

from dataclasses import dataclass

import numpy as np

from training.retrieval.catalogue import Flags, ItemTable, Rows


@dataclass(frozen=True)
class Variants:
    """The groups of N items.

    Attributes:
        groups: shape (N,), the number of each item's group; an item without a group has its own.
    """

    groups: Rows

    @classmethod
    def of(cls, item_table: ItemTable) -> "Variants | None":
        """Read the field with the role `group`; None where the shop has none."""
        field = item_table.shop.item_role("group")
        if field is None:
            return None
        coded = item_table.coded(field)
        groups = len(coded.values) + np.arange(item_table.size)
        groups[coded.rows] = coded.codes
        return cls(groups)

    def firsts(self, rows: Rows) -> Rows:
        """Return the first row of each group, in their order."""
        _, first = np.unique(self.groups[rows], return_index=True)
        return rows[np.sort(first)]

    def without_groups_of(self, rows: Rows, others: Rows) -> Rows:
        """Return the rows whose group none of the others has."""
        return rows[~np.isin(self.groups[rows], self.groups[others])]

    def count(self, selected: Flags) -> int:
        """Return the number of groups of the selected items."""
        return int(np.unique(self.groups[selected]).size)
