"""How far shoppers go: rates of the steps after a click, each drawn towards what is usual.

What is usual is the market's own rate as of the last midnight, so a rate is missing while the
market has none.  Their support is in the stored counts.
"""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Counts, Floats, SlateFacts

STRENGTH = 20.0
"""Events that the market's rate is worth: rates of purchases are rarely above a few percent."""

WINDOWS = ("30d", "all")
STEPS = {"cart": ("carts", "clicks"), "order": ("orders", "clicks"), "return": ("returns", "sold")}
ASKED = {"click": ("clicks", "searches"), "order": ("orders", "searches")}


def funnel(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`funnel__item_<step>_<window>`, `funnel__user_…`, `funnel__query_…`."""
    market, columns = facts.counts("market"), dict[str, Floats | float]()
    for entity, steps in (("item", STEPS), ("user", STEPS), ("query", ASKED)):
        counts = facts.counts(entity)
        for name, step in steps.items():
            for window in WINDOWS:
                columns[f"funnel__{entity}_{name}_{window}"] = rate(counts, market, step, window)
    return columns


def rate(counts: Counts, market: Counts, step: tuple[str, str], window: str) -> Floats:
    """The share that took a step, (s · usual + taken) / (s + able); NaN where nothing is usual."""
    usual = _taken(market, step, "all") / _able(market, step, "all")
    usual = np.where(usual > 0, usual, np.nan)
    taken, able = _taken(counts, step, window), _able(counts, step, window)
    shares: Floats = (STRENGTH * usual + np.nan_to_num(taken)) / (STRENGTH + np.nan_to_num(able))
    return shares


def _taken(counts: Counts, step: tuple[str, str], window: str) -> Floats:
    return counts(f"{step[0]}_{window}")


def _able(counts: Counts, step: tuple[str, str], window: str) -> Floats:
    if step[1] == "sold":
        return counts(f"orders_{window}") + counts(f"returns_{window}")
    return counts(f"{step[1]}_{window}")
