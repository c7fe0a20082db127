"""Items that shoppers clicked or bought in the same session as the seeds."""

from training.retrieval.indexes import fit_together
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import neighbours_index, search_neighbours

INDEX = neighbours_index("together", lambda inputs: fit_together(inputs.home))

SOURCE = SourceSpec(
    "together",
    "items that shoppers clicked or bought in the same session as the seeds",
    search_neighbours(INDEX),
    {"browse": 1.0, "home": 0.3, "similar": 0.3, "together": 1.0},
    index=INDEX,
    order=6,
)
