"""Measure how much a ranker's figures depend on chance in training: refit it, measure on test.

Each training uses another seed for the trees' samples of rows and columns, and another order of
the slates.  The interval of an evaluation covers the choice of users only; this spread is the rest
of the uncertainty.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import Home
from training.dataset import TEST, TRAIN, VALIDATE, LazyDataset, Progress
from training.evaluation.looks import count_look
from training.metrics import check_trainings, ndcg, spread_of
from training.ranker import SEED, Trial, baselines_of, in_random_order, reference_of, refit


def repeat_trainings(
    dataset: Path,
    training: Mapping[str, Any],
    count: int,
    progress: Progress | None = None,
    *,
    home: Home | None = None,
) -> dict[str, Any]:
    """Fit the chosen trial `count` times on all but the test split, and measure each on it.

    The first training repeats the ranker's own; each of the others is a further look at the test
    rankings of the home's log, if there is one.  The rows are read into memory.

    Raises:
        SettingError: fewer than two trainings.
    """
    check_trainings(count)
    data = LazyDataset.open(dataset)
    learned, test = data.part(TRAIN, VALIDATE), data.part(TEST)
    gain, qid = test.column("gain"), test.column("qid")
    reference = baselines_of(test)[reference_of(test)](test)
    baseline = float(np.nanmean(ndcg(reference, gain, qid)))
    chosen = Trial.from_dict(training["chosen"])
    values: list[float] = []
    for number in range(count):
        if progress:
            progress(number, count)
        rows = in_random_order(learned, number) if number else learned
        if number and home is not None:
            count_look(home, f"{training['hashes']['model']} seed {number}", dataset, test)
        fitted = refit(chosen.with_seed(SEED + number), rows)
        values.append(float(np.nanmean(ndcg(fitted.scores(test), gain, qid))))
    return table_of({"ndcg@10": values, "difference": [value - baseline for value in values]})


def table_of(values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return the number of trainings and each metric's spread, JSON-ready."""
    count = len(next(iter(values.values())))
    return {"count": count, **{name: spread_of(each).to_dict() for name, each in values.items()}}
