"""Baselines without learning.  Each returns a score for every row.

A ranker is compared with the baselines of its feature service; one of them is the reference of its
figures.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feature_repo.home import DatasetError
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE
from training.dataset import Dataset

Scores = npt.NDArray[np.float64]

RATE, SHOWN = "smoothed click rate", "shown order"
REPEAT = "personal repeat and popularity"
_TIE_BREAK = 1e-3
"""Popularity of the most popular item relative to one purchase, where it only breaks ties."""

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


def orders_of_month(data: Dataset) -> Scores:
    """Return the orders of the last 30 days before the request; a missing count is 0."""
    scores: Scores = np.nan_to_num(data.column("purchases__orders_share_30d").astype(np.float64))
    return scores


def personal_repeat(data: Dataset) -> Scores:
    """Return the shopper's purchases of each item, decayed; equal ones by popularity."""
    return _purchases(data, "interest") + _TIE_BREAK * orders_of_month(data)


def repeat_and_popularity(data: Dataset) -> Scores:
    """Return the shopper's purchases of each item plus its popularity, at most one purchase."""
    return _purchases(data, "times") + orders_of_month(data)


def _purchases(data: Dataset, measure: str) -> Scores:
    values: Scores = np.nan_to_num(data.column(f"purchases__{measure}").astype(np.float64))
    return values


Baseline = Callable[[Dataset], Scores]

BASELINES: dict[str, Baseline] = {
    "random": random_order,
    SHOWN: shown_order,
    "item popularity": item_popularity,
    RATE: smoothed_rate,
}
PURCHASE_BASELINES: dict[str, Baseline] = {
    "random": random_order,
    "item popularity": orders_of_month,
    "personal repeat": personal_repeat,
    REPEAT: repeat_and_popularity,
}
_OF_SERVICE = {
    RANKING_SERVICE: (BASELINES, RATE),
    PURCHASE_SERVICE: (PURCHASE_BASELINES, REPEAT),
}


def baselines_of(data: Dataset) -> dict[str, Baseline]:
    """Return the baselines of a dataset's feature service.

    Raises:
        DatasetError: no ranker has this service.
    """
    return _of_service(data)[0]


def reference_of(data: Dataset) -> str:
    """Return the name of the baseline that figures are compared with.

    Raises:
        DatasetError: as `baselines_of`.
    """
    return _of_service(data)[1]


def _of_service(data: Dataset) -> tuple[dict[str, Baseline], str]:
    service = data.facts.feature_service
    if service not in _OF_SERVICE:
        raise DatasetError(
            f"Expected a dataset of {' or '.join(_OF_SERVICE)}, found one of the feature service "
            f"{service!r}; build it again with `aisle train`."
        )
    return _OF_SERVICE[service]
