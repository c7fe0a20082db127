"""Where each source of candidates had an item: what only the request that found it knows.

The log keeps it with the answer, so training reads what serving saw.  Candidates that a request
brings along were found by no source.
"""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts

SOURCES = (
    *("lexical", "query_clicked", "some_words", "category", "popular", "trending"),
    *("newest", "similar", "together", "past", "favourites"),
)
_NONE = (np.nan, np.nan)


def sources(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`source__<name>_rank`, from 1, and `…_score` in the source's unit; NaN where it had none."""
    found = [facts.found.get(item, {}) for item in facts.item_ids] if facts.found else []
    known = set[str]().union(*found)
    columns: dict[str, Floats | float] = {}
    for name in SOURCES:
        ranks, scores = (
            np.array([places.get(name, _NONE) for places in found]).T if name in known else _NONE
        )
        columns[f"source__{name}_rank"], columns[f"source__{name}_score"] = ranks, scores
    return columns
