"""A slate must be scored within a budget of CPU time."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.gate.in_use import RankerInUse
from training.gate.limits import SCORED_ITEMS, SCORING_SECONDS, SLOWER_THAN_IN_USE
from training.gate.result import GuardrailResult
from training.ranker import Ranker

LATENCY = "latency"
_RUNS, _MOST_SECONDS = 25, 1.0


def check_latency(
    ranker: Ranker, data: Dataset, in_use: RankerInUse | None = None
) -> GuardrailResult:
    """Check the CPU time of a slate's scores, alternating with that of the ranker in use.

    Args:
        ranker: with the columns of the dataset.
        data: rows from which the slate is made.
        in_use: the published ranker, if there is one.
    """
    scored = [_scoring(ranker, data)]
    if in_use is not None and not set(in_use.ranker.columns) - set(data.facts.columns):
        scored.append(_scoring(in_use.ranker, data))
    seconds, *others = least_cpu_seconds(scored)
    limit = max([SCORING_SECONDS, *(SLOWER_THAN_IN_USE * other for other in others)])
    within = seconds <= limit
    figure = min(_bound(seconds), limit) if within else seconds
    return GuardrailResult.of(
        LATENCY,
        within,
        f"{SCORED_ITEMS} items take {'less than ' if within else ''}{1000 * figure:.1f} ms of CPU "
        f"to score; the limit is {1000 * limit:.1f} ms.",
        figure,
        limit,
    )


def least_cpu_seconds(work: Sequence[Callable[[], object]]) -> list[float]:
    """Return the least CPU time of this thread for each piece of work, run in turns.

    Neither waiting for a core nor a cache that others emptied counts in the least of several runs.
    """
    least, began = [np.inf] * len(work), time.thread_time()
    for _ in range(_RUNS):
        for number, call in enumerate(work):
            start = time.thread_time()
            call()
            least[number] = min(least[number], time.thread_time() - start)
        if time.thread_time() - began > _MOST_SECONDS:
            break
    return least


def _bound(seconds: float) -> float:
    """Return a round figure above a time, so that equal rankers have equal verdicts."""
    bound = SCORING_SECONDS / 4
    while bound < seconds:
        bound *= 2
    return bound


def _scoring(ranker: Ranker, data: Dataset) -> Callable[[], object]:
    first = np.arange(data.size) < SCORED_ITEMS
    rows = data.rows(first).features(ranker.columns).matrix
    slate: Matrix = np.resize(rows, (SCORED_ITEMS, rows.shape[1]))
    return lambda: ranker.apply(slate)
