"""Items with more clicks in the last two days than expected from the fortnight before."""

from training.retrieval.indexes import TopLists
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import search_top_list, top_lists_index

INDEX = top_lists_index(
    "trending", lambda inputs: TopLists.trending(inputs.home, inputs.item_table)
)

SOURCE = SourceSpec(
    "trending",
    "items with more clicks in the last two days than expected from the fortnight before",
    search_top_list(INDEX),
    {"home": 0.1, "trending": 1.0},
    index=INDEX,
    order=10,
)
