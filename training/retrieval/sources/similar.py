"""Items whose texts and categories resemble the seeds."""

from training.retrieval.indexes import fit_similar
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import neighbours_index, search_neighbours

INDEX = neighbours_index("similar", lambda inputs: fit_similar(inputs.item_table), reads="texts")

SOURCE = SourceSpec(
    "similar",
    "items whose texts and categories resemble the seeds",
    search_neighbours(INDEX),
    {"browse": 0.7, "home": 0.7, "similar": 1.0, "together": 0.1},
    index=INDEX,
    order=8,
)
