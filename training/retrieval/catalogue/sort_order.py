"""The order of a list by a field of the items."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import EventError
from feature_repo.shop import Shop, ShopField
from training.retrieval.catalogue.ranked_list import Flags, Rows, Scores

BY_RELEVANCE = "relevance"


NEWEST = "newest"
"""The order by the instant when an item was first seen, unless a field has this name."""


@dataclass(frozen=True)
class SortOrder:
    """An order by a number or time; items without a value come last, equal ones by row.

    Attributes:
        field: None for the instant when an item was first seen.
    """

    field: ShopField | None
    is_descending: bool = False

    def rows(self, numbers: Scores, selected: Flags) -> Rows:
        """Return the rows of the selected items, in the order of the N numbers of all items."""
        rows = np.flatnonzero(selected)
        chosen = numbers[rows]
        return rows[np.argsort(-chosen if self.is_descending else chosen, kind="stable")]


def parse_sort(text: str, shop: Shop) -> SortOrder | None:
    """Read `price`, or `-price` for the highest first; None for `relevance`.

    `newest` is the order in which the shop got its items, the last one first.

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
    if name == NEWEST:
        return SortOrder(None, name == text)
    names = ", ".join((BY_RELEVANCE, NEWEST, *(field.name for field in fields)))
    raise EventError("sort", f"one of {names}, with - for the reverse order", repr(text)[:100])
