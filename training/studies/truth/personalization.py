"""Measure the value of personalization and of one ranker for all markets, by true relevance.

One shop of several markets is simulated.  The chosen ranker is compared with one that has no user
or session features, in slices by the number of earlier clicks of the user.  In the smallest market
it is also compared with a ranker fitted on that market alone.  No feature names a market: prices
are relative to the market's prices, and each item belongs to one market.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from training.dataset import Dataset
from training.metrics import Floats, Interval, slice_interval, without_nan
from training.ranker import Bools, choose_and_fit
from training.studies.simulation import ShopConfig
from training.studies.truth.cell import CONFIGURATIONS, request_ndcg
from training.studies.truth.log import Fresh, SimulatedLog, simulated_log

_USER_FEATURES = ("user", "visit", "taste")

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
"""The default shop; its request rate follows from the number of impressions."""

_CLICKS = {
    "all": (0, np.inf),
    "cold: no click before": (0, 1),
    "warm: some click before": (1, np.inf),
    "1 to 4": (1, 5),
    "5 to 19": (5, 20),
    "20 and more": (20, np.inf),
}
"""Slices by earlier clicks of the user: from the first number to below the second."""


@dataclass(frozen=True)
class Comparison:
    """Two rankers on the same fresh requests.

    Attributes:
        name: of the slice of requests.
        requests: their number.
        value, other: mean NDCG@10 of the two rankers by true attraction.
        gain: `value` minus `other`, paired, with a bootstrap interval over users.
    """

    name: str
    requests: int
    value: float
    other: float
    gain: Interval


@dataclass(frozen=True)
class Personalization:
    """The results of one shop.

    Attributes:
        contender: name of the chosen variant.
        slices: with and without user features, by earlier clicks.
        market: all markets pooled against the smallest market alone, in that market.
    """

    contender: str
    slices: tuple[Comparison, ...]
    market: Comparison

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON values."""
        table: dict[str, Any] = without_nan(asdict(self))
        return table


def measure_personalization(
    config: ShopConfig, *, days: int = 28, impressions: int = 200_000, fresh_slates: int = 6000
) -> Personalization:
    """Simulate a shop of about so many impressions, fit the rankers and compare them.

    The fresh slates are at most a third of the logged ones: a small shop would need years for more.
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


def is_user_feature(column: str) -> bool:
    """Whether a feature depends on the user or the session.

    >>> [is_user_feature(name) for name in ("rate__user_brand_all", "rate__brand_all")]
    [True, False]
    """
    return any(part in column for part in _USER_FEATURES)


def _without(log: SimulatedLog) -> Floats:
    """Return the values of a ranker chosen and fitted in the same way without user features."""
    facts = log.data.facts
    indexes = [i for i, name in enumerate(facts.columns) if not is_user_feature(name)]
    names = tuple(facts.columns[i] for i in indexes)
    data = Dataset(replace(facts, columns=names), log.data.keys, log.data.matrix[:, indexes])
    ranker, _ = choose_and_fit(data, grid=CONFIGURATIONS)
    return request_ndcg(ranker.apply(log.fresh.matrix[:, indexes]), log.fresh)


def _slices(fresh: Fresh, value: Floats, other: Floats) -> Iterator[Comparison]:
    for name, (least, below) in _CLICKS.items():
        selected = (least <= fresh.clicks_of_user) & (fresh.clicks_of_user < below)
        if selected.any():
            yield _compare(name, fresh, selected, value, other)


def _market(log: SimulatedLog, pooled: Floats) -> Comparison:
    """Compare in the market with the fewest rows in the log."""
    market = log.data.column("market")
    names, counts = np.unique(market.astype(str), return_counts=True)
    smallest = str(names[counts.argmin()])
    ranker, _ = choose_and_fit(log.data.rows(market == smallest), grid=CONFIGURATIONS)
    own = request_ndcg(ranker.apply(log.fresh.matrix), log.fresh)
    return _compare(smallest, log.fresh, log.fresh.market == smallest, pooled, own)


def _compare(name: str, fresh: Fresh, selected: Bools, value: Floats, other: Floats) -> Comparison:
    return Comparison(
        name=name,
        requests=int(selected.sum()),
        value=float(value[selected].mean()),
        other=float(other[selected].mean()),
        gain=slice_interval((value - other)[selected], fresh.user[selected]),
    )
