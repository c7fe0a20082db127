"""The items that can be retrieved: their table, filters, ranked lists and fusion."""

from training.retrieval.catalogue.facets import Facet, facets, parse_facets
from training.retrieval.catalogue.filters import (
    Filter,
    all_of,
    is_out_of_stock,
    named_fields,
    parse_filters,
    sellable,
    sold_in_language,
)
from training.retrieval.catalogue.first_seen import first_seen
from training.retrieval.catalogue.fusion import Candidates, K, fuse, fuse_rows
from training.retrieval.catalogue.item_changes import ItemChanges
from training.retrieval.catalogue.item_table import Fields, ItemTable, as_text
from training.retrieval.catalogue.ranked_list import (
    Flags,
    RankedList,
    RankedRows,
    Rows,
    Scores,
    highest,
)
from training.retrieval.catalogue.sort_order import SortOrder, parse_sort

__all__ = [
    "Candidates",
    "Facet",
    "Fields",
    "Filter",
    "Flags",
    "ItemChanges",
    "ItemTable",
    "K",
    "RankedList",
    "RankedRows",
    "Rows",
    "Scores",
    "SortOrder",
    "all_of",
    "as_text",
    "facets",
    "first_seen",
    "fuse",
    "fuse_rows",
    "highest",
    "is_out_of_stock",
    "named_fields",
    "parse_facets",
    "parse_filters",
    "parse_sort",
    "sellable",
    "sold_in_language",
]
