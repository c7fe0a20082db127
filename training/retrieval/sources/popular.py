"""The most popular items of the market, in the category of the request."""

from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import POPULAR, search_top_list

SOURCE = SourceSpec(
    "popular",
    "the most popular items of the market, in the category of the request",
    search_top_list(POPULAR),
    {"browse": 1.0, "home": 1.0, "again": 0.02, "trending": 0.1},
    index=POPULAR,
    order=4,
)
