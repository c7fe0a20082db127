"""The order of a list by a field of the items."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import EventError
from feature_repo.shop import Shop, ShopField
from training.retrieval.catalogue.item_table import ItemTable
from training.retrieval.catalogue.ranked_list import Flags, Rows

BY_RELEVANCE = "relevance"


@dataclass(frozen=True)
class SortOrder:
    """An order by a number or time; items without a value come last, equal ones by row."""

    field: ShopField
    is_descending: bool = False

    def rows(self, item_table: ItemTable, selected: Flags) -> Rows:
        """Return the rows of the selected items, in this order."""
        rows = np.flatnonzero(selected)
        numbers = item_table.numbers(self.field)[rows]
        return rows[np.argsort(-numbers if self.is_descending else numbers, kind="stable")]


def parse_sort(text: str, shop: Shop) -> SortOrder | None:
    """Read `price`, or `-price` for the highest first; None for `relevance`.

    Raises:
        EventError: no number or time field has this name or role.
    """
    if text == BY_RELEVANCE:
        return None
    fields = shop.items_of("number", "time")
    name = text.removeprefix("-")
    for field in fields:
        if name in (field.name, field.role):
            return SortOrder(field, name != text)
    names = ", ".join((BY_RELEVANCE, *(field.name for field in fields)))
    raise EventError("sort", f"one of {names}, with - for the highest first", repr(text)[:100])
