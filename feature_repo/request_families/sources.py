"""Where each source of candidates had an item: what only the request that found it knows.

The log keeps it with the answer, so training reads what serving saw.  Candidates that a request
brings along were found by no source.
"""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts

SOURCES = (
    *("lexical", "query_clicked", "some_words", "category", "popular", "trending"),
    *("newest", "similar", "together", "past", "favourites"),
)
COLUMNS = tuple(f"source__{name}_{what}" for name in SOURCES for what in ("rank", "score"))
_PLACE = {name: 2 * n for n, name in enumerate(SOURCES)}


def sources(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`source__<name>_rank`, from 1, and `…_score` in the source's unit; NaN where it had none."""
    if not facts.found:
        return dict.fromkeys(COLUMNS, float("nan"))
    cells, values = list[int](), list[float]()
    for n, item in enumerate(facts.item_ids):
        for name, place in facts.found.get(item, {}).items():
            if name in _PLACE:
                first = n * len(COLUMNS) + _PLACE[name]
                cells += (first, first + 1)
                values += place
    table = np.full((len(facts.item_ids), len(COLUMNS)), np.nan)
    table.put(cells, values)
    return dict(zip(COLUMNS, table.T, strict=True))
