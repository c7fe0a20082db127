"""Whether labelled rankings suffice to learn a ranker from them, and to compare it.

A ranking is a slate that was shown, or an order with its candidates.  It teaches an order of items
if some of them gained more than others.  The gate compares rankers by intervals over users, so a
few users are needed too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.home import NotEnoughError, Shortage
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE
from training.dataset.split import TEST, TRAIN, VALIDATE, split_rankings

LEAST_RANKINGS, LEAST_USERS, LEAST_IN_SPLIT = 50, 10, 5

RANKINGS = "rankings with items"


@dataclass(frozen=True)
class Words:
    """What rankings are called in a message: all, those that teach an order, and their users."""

    rankings: str
    informative: str
    users: str


SLATES = Words(
    RANKINGS,
    "rankings with clicked and unclicked items",
    "users of rankings with clicked and unclicked items",
)
ORDERS = Words("orders of users", "orders of users who ordered before", "users who ordered again")
_WORDS = {RANKING_SERVICE: SLATES, PURCHASE_SERVICE: ORDERS}

BY_RANKING = """
select
    coalesce(any_value(user_id), request_id) as visitor,
    max(gain) > min(gain) as is_informative,
    any_value(split) as split
from {labelled}
group by request_id
order by min(t), request_id
"""
"""SQL: one row for each ranking of a relation of labelled items, in the order of the split."""

_SPLITS = {TRAIN: "training", VALIDATE: "validation", TEST: "test"}


def check_sufficiency(labelled: pa.Table, service: str = RANKING_SERVICE) -> None:
    """Check that a table with request_id, user_id, t, gain and split of each item suffices.

    Args:
        labelled: rows of all rankings.
        service: feature service of the ranker.

    Raises:
        NotEnoughError: says what is missing, and how much.
    """
    with duckdb.connect() as db:
        db.register("labelled", labelled)
        by_ranking = db.sql(BY_RANKING.format(labelled="labelled")).to_arrow_table()
    if missing := shortages(by_ranking, _WORDS[service]):
        raise NotEnoughError(missing)


def shortages(by_ranking: pa.Table, words: Words = SLATES) -> Sequence[Shortage]:
    """Return what is missing to learn a ranker, from rows as of `BY_RANKING`.

    Where the splits are null, the rankings are split by their number.
    """
    # as lists: pyarrow imports pandas when it makes an array
    informative = np.array(by_ranking["is_informative"].to_pylist(), bool)
    visitors = np.array(by_ranking["visitor"].to_pylist(), object)[informative]
    counts = [
        Shortage(words.rankings, informative.size, LEAST_RANKINGS),
        Shortage(words.informative, visitors.size, LEAST_RANKINGS),
        Shortage(words.users, np.unique(visitors.astype(str)).size, LEAST_USERS),
    ]
    missing = [one for one in counts if one.count < one.needed]
    if missing:
        return missing
    decided = by_ranking["split"].null_count == 0
    splits = by_ranking["split"].to_pylist() if decided else split_rankings(informative.size)
    counts = _by_split(informative, np.array(splits, object), words)
    return [one for one in counts if one.count < one.needed]


def _by_split(
    informative: npt.NDArray[np.bool_], splits: npt.NDArray[Any], words: Words
) -> list[Shortage]:
    counts = {name: int(informative[splits == split].sum()) for split, name in _SPLITS.items()}
    return [
        Shortage(f"{words.informative}, in the {name} split", count, LEAST_IN_SPLIT)
        for name, count in counts.items()
    ]
