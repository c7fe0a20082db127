"""The newest items of the shop, in the category of the request."""

from training.retrieval.indexes import NEWEST, Newest
from training.retrieval.sources.spec import IndexSpec, SourceSpec
from training.retrieval.sources.templates import search_top_list

INDEX = IndexSpec(
    NEWEST,
    lambda inputs: Newest.fit(inputs.home, inputs.item_table),
    lambda folder, _: Newest.load(folder),
    follow=Newest.with_changes,
)

SOURCE = SourceSpec(
    "newest",
    "the newest items of the shop, in the category of the request",
    search_top_list(INDEX),
    {"browse": 0.3, "home": 0.3},
    index=INDEX,
    order=9,
)
