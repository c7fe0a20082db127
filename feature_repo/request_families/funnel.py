"""How far shoppers go: rates of the steps to an order, each drawn towards what is usual.

A query's searches may end at once, where they find nothing.

What is usual is the market's own rate as of the last midnight, so a rate is missing while the
market has none.  Their support is in the stored counts.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Count, Counts, Floats, SlateFacts, or_zero

STRENGTH = 20.0
"""Events that the market's rate is worth: rates of purchases are rarely above a few percent."""

WINDOWS = ("30d", "all")
STEPS = {"cart": ("carts", "clicks"), "order": ("orders", "clicks"), "return": ("returns", "sold")}
ASKED = {
    "click": ("clicks", "searches"),
    "order": ("orders", "searches"),
    "zero_result": ("zero_results", "searches"),
}
_OF_MARKET = {"zero_results": "queries"}
"""Of a market, who could; elsewhere it is said in the steps.  Slates without a query cannot."""
_ENTITIES = {"item": STEPS, "user": STEPS, "query": ASKED}


def funnel(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`funnel__item_<step>_<window>`, `funnel__user_…`, `funnel__query_…`."""
    market = facts.counts("market")
    columns: dict[str, Floats] = {}
    for entity, steps in _ENTITIES.items():
        shares = rates(facts.counts(entity), market, steps)
        columns |= zip(_names(entity), shares, strict=True)
    return columns


@cache
def _names(entity: str) -> tuple[str, ...]:
    """The columns of an entity, in the order of `rates`."""
    return tuple(f"funnel__{entity}_{n}_{window}" for n in _ENTITIES[entity] for window in WINDOWS)


def rates(counts: Counts, market: Counts, steps: Mapping[str, tuple[str, str]]) -> Floats:
    """Shares that took each step in each window, (s · usual + taken) / (s + able).

    Shape (steps × windows, …), of one entity or of N candidates; NaN where nothing is usual.
    """
    usual = np.array(
        [
            market(f"{took}_all") / _able(market, _OF_MARKET.get(took, could), "all")
            for took, could in steps.values()
        ]
    ).repeat(len(WINDOWS))
    usual[~(usual > 0)] = np.nan
    pairs = [(*step, window) for step in steps.values() for window in WINDOWS]
    taken = or_zero([counts(f"{took}_{window}") for took, _, window in pairs])
    able = or_zero([_able(counts, could, window) for _, could, window in pairs])
    believed = STRENGTH * usual.reshape(-1, *[1] * (taken.ndim - 1))
    shares: Floats = (believed + taken) / (STRENGTH + able)
    return shares


def _able(counts: Counts, could: str, window: str) -> Count:
    """Of those who could take a step; what was sold is what was ordered, kept or not."""
    if could == "sold":
        return counts(f"orders_{window}") + counts(f"returns_{window}")
    return counts(f"{could}_{window}")
