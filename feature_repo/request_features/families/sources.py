"""Rank and score of each item in each candidate source of the request.

They exist only during the request.  The log stores them with the answer, so that training reads
the values of serving.  They are missing for candidates that the request contains.
"""

from functools import cache
from itertools import chain

import numpy as np

from feature_repo.home import extension_names
from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

SOURCES = (
    *("lexical", "query_clicked", "some_words", "category", "popular", "trending"),
    *("newest", "similar", "together", "past", "favourites", "resembling"),
)
"""The candidate sources of Aisle, each a module of `training.retrieval.sources`."""

FOLLOWING = ("resembling",)
"""Those whose items only follow the first page: no ranker orders these, so none reads a feature."""

SOURCE_EXTENSIONS = "aisle.sources"
"""Entry point group of the candidate sources that installed packages add."""

_NONE = (np.nan, np.nan)


@cache
def source_names() -> tuple[str, ...]:
    """Return the names of all candidate sources."""
    return (*SOURCES, *extension_names(SOURCE_EXTENSIONS))


@cache
def _read_names() -> tuple[str, ...]:
    """Return the names of the sources with features, in the order of their columns."""
    return tuple(name for name in source_names() if name not in FOLLOWING)


@cache
def _columns() -> tuple[str, ...]:
    return named("source__{}_{}", _read_names(), ("rank", "score"))


def sources(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`source__<name>_rank`, from 1, and `…_score` in the source's unit; NaN without a rank."""
    columns, names = _columns(), _read_names()
    if not context.source_ranks:
        return [Block(columns, [np.nan] * len(columns))]
    by_item = [context.source_ranks.get(item, {}) for item in context.item_ids]
    table = np.full((len(names), len(by_item), 2), np.nan)
    for name in set[str]().union(*by_item).intersection(names):
        pairs = chain.from_iterable([ranks.get(name, _NONE) for ranks in by_item])
        table[names.index(name)] = np.fromiter(pairs, np.float64).reshape(-1, 2)
    return [Block(columns, table.swapaxes(1, 2))]
