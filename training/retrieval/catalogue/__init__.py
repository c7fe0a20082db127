"""The items that can be retrieved: their table, filters, ranked lists and fusion."""

from training.retrieval.catalogue.filters import (
    Filter,
    all_of,
    facets,
    is_out_of_stock,
    parse_filters,
    sellable,
)
from training.retrieval.catalogue.first_seen import first_seen
from training.retrieval.catalogue.fusion import Candidates, K, fuse, fuse_rows
from training.retrieval.catalogue.item_table import ItemTable
from training.retrieval.catalogue.ranked_list import Flags, RankedList, RankedRows, Rows, highest

__all__ = [
    "Candidates",
    "Filter",
    "Flags",
    "ItemTable",
    "K",
    "RankedList",
    "RankedRows",
    "Rows",
    "all_of",
    "facets",
    "first_seen",
    "fuse",
    "fuse_rows",
    "highest",
    "is_out_of_stock",
    "parse_filters",
    "sellable",
]
