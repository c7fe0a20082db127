"""Whether labelled rankings suffice to learn a ranker from them, and to compare it.

A ranking teaches an order if some of its items gained more than others.  The gate compares rankers
by intervals over users, so a few users are needed too.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.home import NotEnoughError, Shortage
from training.dataset.split import TEST, TRAIN, VALIDATE, split_rankings

LEAST_RANKINGS, LEAST_USERS, LEAST_IN_SPLIT = 50, 10, 5

RANKINGS = "rankings with items"
CLICKED = "rankings with clicked and unclicked items"
USERS = f"users of {CLICKED}"

BY_RANKING = """
select
    coalesce(any_value(user_id), request_id) as visitor,
    max(gain) > min(gain) as is_informative
from {labelled}
group by request_id
order by min(t), request_id
"""
"""SQL: one row for each ranking of a relation of labelled items, in the order of the split."""

_SPLITS = {TRAIN: "training", VALIDATE: "validation", TEST: "test"}


def check_sufficiency(labelled: pa.Table) -> None:
    """Check that a table with request_id, user_id, t and gain of each shown item suffices.

    Raises:
        NotEnoughError: says what is missing, and how much.
    """
    with duckdb.connect() as db:
        db.register("labelled", labelled)
        by_ranking = db.sql(BY_RANKING.format(labelled="labelled")).to_arrow_table()
    if missing := shortages(by_ranking):
        raise NotEnoughError(missing)


def shortages(by_ranking: pa.Table) -> Sequence[Shortage]:
    """Return what is missing to learn a ranker, from the rows of `BY_RANKING`."""
    # as lists: pyarrow imports pandas when it makes an array
    informative = np.array(by_ranking["is_informative"].to_pylist(), bool)
    visitors = np.array(by_ranking["visitor"].to_pylist(), object)[informative]
    counts = [
        Shortage(RANKINGS, informative.size, LEAST_RANKINGS),
        Shortage(CLICKED, visitors.size, LEAST_RANKINGS),
        Shortage(USERS, np.unique(visitors.astype(str)).size, LEAST_USERS),
    ]
    missing = [one for one in counts if one.count < one.needed]
    return missing or [one for one in _by_split(informative) if one.count < one.needed]


def _by_split(informative: npt.NDArray[np.bool_]) -> list[Shortage]:
    splits = split_rankings(informative.size)
    counts = {name: int(informative[splits == split].sum()) for split, name in _SPLITS.items()}
    return [
        Shortage(f"{CLICKED}, in the {name} split", count, LEAST_IN_SPLIT)
        for name, count in counts.items()
    ]
