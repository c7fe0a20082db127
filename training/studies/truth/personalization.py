"""What knowing the user is worth, and whether one ranker serves every market, by the truth.

One simulated shop of several markets.  The ranker that is chosen there is held against one
chosen without the columns that know the user or the visit, in slices by how often the user had
clicked before; then, in the smallest market, against a ranker chosen and fitted on that market
alone.  No column names a market: prices are relative to their market's, items belong to one.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from training.dataset import Dataset
from training.metrics import Floats, Interval, mean_interval
from training.ranker import Bools, choose_and_fit
from training.studies.simulation import ShopConfig
from training.studies.truth.cell import CONFIGURATIONS, request_ndcg
from training.studies.truth.log import Fresh, SimulatedLog, simulated_log

_KNOW_THE_USER = ("user", "visit", "taste")

SHOP = ShopConfig(
    users=4000,
    items=900,
    markets=("default", "de", "fr"),
    slate=(10, 10),
    policy="strong",
    randomized_share=0.05,
    randomized_temperature=1.0,
    bias=1.0,
)
"""What is asked by default, but for its rate of requests, which follows from the impressions."""

_CLICKS = {
    "all": (0, np.inf),
    "cold: no click before": (0, 1),
    "warm: some click before": (1, np.inf),
    "1 to 4": (1, 5),
    "5 to 19": (5, 20),
    "20 and more": (20, np.inf),
}
"""Clicks before the request, from and below."""


@dataclass(frozen=True)
class Comparison:
    """Two rankers on the same fresh requests.

    Attributes:
        name: which requests.
        requests: how many they are.
        value, other: mean NDCG@10 by what is truly wanted.
        gain: the one's on the other's, paired, users drawn.
    """

    name: str
    requests: int
    value: float
    other: float
    gain: Interval


@dataclass(frozen=True)
class Personalization:
    """What one shop showed.

    Attributes:
        contender: which one was chosen.
        slices: with the user's columns against without, by clicks before.
        market: pooled against its own, in the smallest market.
    """

    contender: str
    slices: tuple[Comparison, ...]
    market: Comparison

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measure_personalization(
    config: ShopConfig, *, days: int = 28, impressions: int = 200_000, fresh_slates: int = 6000
) -> Personalization:
    """Simulate a shop of so many impressions, about, fit, compare.

    The fresh slates are at most a third of the log's: a small shop would need years for more.
    """
    slates = impressions / config.slate[1]
    shop = replace(config, rankings_per_user_day=slates / config.users / days)
    log = simulated_log(shop, days, min(fresh_slates, int(slates / 3) + 1))
    ranker, training = choose_and_fit(log.data, grid=CONFIGURATIONS)
    pooled = request_ndcg(ranker.apply(log.fresh.matrix), log.fresh)
    return Personalization(
        contender=training.selection.variant,
        slices=tuple(_slices(log.fresh, pooled, _without(log))),
        market=_market(log, pooled),
    )


def knows_the_user(column: str) -> bool:
    """Whether a column depends on who asks, or on what was done in the visit.

    >>> [knows_the_user(name) for name in ("rate__user_brand_all", "rate__brand_all")]
    [True, False]
    """
    return any(part in column for part in _KNOW_THE_USER)


def _without(log: SimulatedLog) -> Floats:
    """Values of a ranker chosen and fitted in the same way, told nothing of the user."""
    facts = log.data.facts
    kept = [place for place, name in enumerate(facts.columns) if not knows_the_user(name)]
    names = tuple(facts.columns[place] for place in kept)
    data = Dataset(replace(facts, columns=names), log.data.keys, log.data.matrix[:, kept])
    ranker, _ = choose_and_fit(data, grid=CONFIGURATIONS)
    return request_ndcg(ranker.apply(log.fresh.matrix[:, kept]), log.fresh)


def _slices(fresh: Fresh, value: Floats, other: Floats) -> Iterator[Comparison]:
    for name, (least, below) in _CLICKS.items():
        chosen = (least <= fresh.clicks_of_user) & (fresh.clicks_of_user < below)
        if chosen.any():
            yield _compared(name, fresh, chosen, value, other)


def _market(log: SimulatedLog, pooled: Floats) -> Comparison:
    """Of the market with the fewest rows in the log."""
    market = log.data.column("market")
    names, counts = np.unique(market.astype(str), return_counts=True)
    smallest = str(names[counts.argmin()])
    ranker, _ = choose_and_fit(log.data.rows(market == smallest), grid=CONFIGURATIONS)
    own = request_ndcg(ranker.apply(log.fresh.matrix), log.fresh)
    return _compared(smallest, log.fresh, log.fresh.market == smallest, pooled, own)


def _compared(name: str, fresh: Fresh, chosen: Bools, value: Floats, other: Floats) -> Comparison:
    return Comparison(
        name=name,
        requests=int(chosen.sum()),
        value=float(value[chosen].mean()),
        other=float(other[chosen].mean()),
        gain=mean_interval((value - other)[chosen], fresh.user[chosen]),
    )
