"""The items that can be retrieved: their table, filters, ranked lists and fusion."""

from training.retrieval.catalogue.filters import (
    Filter,
    all_of,
    facets,
    is_out_of_stock,
    parse_filters,
    sellable,
)
from training.retrieval.catalogue.fusion import Candidates, K, fuse, fuse_placed
from training.retrieval.catalogue.item_table import Assortment
from training.retrieval.catalogue.ranked_list import Flags, Found, Placed, Rows, highest

__all__ = [
    "Assortment",
    "Candidates",
    "Filter",
    "Flags",
    "Found",
    "K",
    "Placed",
    "Rows",
    "all_of",
    "facets",
    "fuse",
    "fuse_placed",
    "highest",
    "is_out_of_stock",
    "parse_filters",
    "sellable",
]
