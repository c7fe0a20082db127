"""What is on its way up or down: a short window against a longer one, per day of each."""

import numpy as np

from feature_repo.counters import WINDOWS
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Count, Floats, SlateFacts

MEASURES = {
    "item": ("impressions", "clicks", "orders"),
    "user": ("clicks",),
    "query": ("searches",),
}
PAIRS = (("1d", "7d"), ("7d", "30d"))


def trend(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`trend__<entity>_<measure>_<short>_<long>`: logarithm of the ratio, 0 where nothing moves."""
    return {
        f"trend__{entity}_{measure}_{short}_{long}": _moved(
            facts.counts(entity)(f"{measure}_{short}"),
            facts.counts(entity)(f"{measure}_{long}"),
            (WINDOWS[short] or 1) / (WINDOWS[long] or 1),
        )
        for entity, measures in MEASURES.items()
        for measure in measures
        for short, long in PAIRS
    }


def _moved(short: Count, long: Count, share: float) -> Floats:
    """One event is added to each, so that rare ones do not leap."""
    moved: Floats = np.log((short + 1) / (long * share + 1))
    return moved
