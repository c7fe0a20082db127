"""How far shoppers go: rates of the steps after a click, each drawn towards what is usual.

What is usual is the market's own rate as of the last midnight, so a rate is missing while the
market has none.  Their support is in the stored counts.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns, named
from feature_repo.request_families.stored import WINDOWS
from feature_repo.shop import Shop
from feature_repo.slate_counts import EVER, MONTH, Counts
from feature_repo.slate_facts import Floats, SlateFacts, or_zero

STRENGTH = 20.0
"""Events that the market's rate is worth: rates of purchases are rarely above a few percent."""

STEPS = {"cart": ("carts", "clicks"), "order": ("orders", "clicks"), "return": ("returns", "sold")}
ASKED = {"click": ("clicks", "searches"), "order": ("orders", "searches")}
_ENTITIES = {"item": STEPS, "user": STEPS, "query": ASKED}
_LONG = WINDOWS[MONTH:]


def funnel(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`funnel__item_<step>_<window>`, `funnel__user_…`, `funnel__query_…`."""
    market = facts.counts("market")
    return [
        Block(
            named("funnel__{}_{}_{}", (entity,), tuple(steps), _LONG),
            rates(facts.counts(entity), market, steps),
        )
        for entity, steps in _ENTITIES.items()
    ]


def rates(counts: Counts, market: Counts, steps: Mapping[str, tuple[str, str]]) -> Floats:
    """Shares that took each step in each long window, (s · usual + taken) / (s + able).

    Shape (steps, windows, N), of one entity or of N candidates; NaN where nothing is usual.
    """
    took, could = zip(*steps.values(), strict=True)
    usual = (market.each(*took) / _able(market, could))[:, EVER:]
    believed = STRENGTH * np.where(usual > 0, usual, np.nan)
    taken, able = or_zero(counts.each(*took)[:, MONTH:]), or_zero(_able(counts, could)[:, MONTH:])
    shares: Floats = (believed + taken) / (STRENGTH + able)
    return shares


def _able(counts: Counts, could: Sequence[str]) -> Floats:
    """Of those who could take a step; what was sold is what was ordered, kept or not."""
    if "sold" not in could:
        return counts.each(*could)
    able = [counts.of("orders") + counts.of("returns") if c == "sold" else counts.of(c) for c in could]
    return np.array(able)
