"""Where each source of candidates had an item: what only the request that found it knows.

The log keeps it with the answer, so training reads what serving saw.  Candidates that a request
brings along were found by no source.
"""

from itertools import chain

import numpy as np

from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

SOURCES = (
    *("lexical", "query_clicked", "some_words", "category", "popular", "trending"),
    *("newest", "similar", "together", "past", "favourites"),
)
_NONE = (np.nan, np.nan)
_NAMES = named("source__{}_{}", SOURCES, ("rank", "score"))


def sources(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`source__<name>_rank`, from 1, and `…_score` in the source's unit; NaN where it had none."""
    if not context.source_ranks:
        return [Block(_NAMES, [np.nan] * len(_NAMES))]
    found = [context.source_ranks.get(item, {}) for item in context.item_ids]
    table = np.full((len(SOURCES), len(found), 2), np.nan)
    for name in set[str]().union(*found).intersection(SOURCES):
        places = chain.from_iterable([places.get(name, _NONE) for places in found])
        table[SOURCES.index(name)] = np.fromiter(places, np.float64).reshape(-1, 2)
    return [Block(_NAMES, table.swapaxes(1, 2))]
