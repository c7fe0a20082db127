"""The newest items of the shop, in the category of the request."""

from training.retrieval.indexes import TopLists
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import search_top_list, top_lists_index

INDEX = top_lists_index("newest", lambda inputs: TopLists.newest(inputs.home, inputs.item_table))

SOURCE = SourceSpec(
    "newest",
    "the newest items of the shop, in the category of the request",
    search_top_list(INDEX),
    {"browse": 0.3, "home": 0.3},
    index=INDEX,
    order=9,
)
