"""Baselines without learning.  Each returns a score for every row."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from training.dataset import Dataset

Scores = npt.NDArray[np.float64]

RATE, SHOWN = "smoothed click rate", "shown order"
_SEED = 5


def random_order(data: Dataset) -> Scores:
    """Return a random order, the same at every call."""
    order: Scores = np.random.default_rng(_SEED).random(data.size)
    return order


def shown_order(data: Dataset) -> Scores:
    """Return scores that keep the displayed order."""
    order: Scores = -data.column("position").astype(np.float64)
    return order


def item_popularity(data: Dataset) -> Scores:
    """Return the clicks of all time before the request; a missing count is 0."""
    clicks = data.column("item_engagement__clicks_all").astype(np.float64)
    scores: Scores = np.nan_to_num(clicks)
    return scores


def smoothed_rate(data: Dataset) -> Scores:
    """Return the smoothed click rate of all time before the request."""
    rates: Scores = data.column("rate__item_all").astype(np.float64)
    return rates


BASELINES: dict[str, Callable[[Dataset], Scores]] = {
    "random": random_order,
    SHOWN: shown_order,
    "item popularity": item_popularity,
    RATE: smoothed_rate,
}
