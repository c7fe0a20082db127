"""What a ranker may know of the items of a simulated slate: what the shop shows, and counts.

Nothing hidden goes in: no quality, taste or focus, no position, and no event at or after the
request's instant.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import MINUTE
from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior
from training.metrics import AsOfSum, Floats, Ints
from training.studies.simulation import Day, Shop, Slates

Columns = dict[str, npt.NDArray[Any]]

CLICK_KNOWN_AFTER = MINUTE
"""A click is known so long after its slate; a visit's next request comes later."""


@dataclass(frozen=True)
class Asked:
    """R requests and C candidates of each: shape (R,), but for `item`, shape (R, C)."""

    t: Ints
    user: Ints
    visit: Ints
    intent: Ints
    item: Ints


class History:
    """All that was shown and clicked, to be counted as of any instant."""

    def __init__(self, shop: Shop, slates: Slates, prior: RatePrior) -> None:
        self._shop, self._slates, self._prior = shop, slates, prior
        of = slates.of_impressions
        self._asked = Asked(of("t"), of("user"), of("visit"), of("intent"), slates.item)
        self._clicked = np.flatnonzero(slates.clicked)
        self._clicked_at = self._asked.t[self._clicked] + CLICK_KNOWN_AFTER
        self._counters: dict[str, tuple[AsOfSum, AsOfSum]] = {}

    def features(self, day: Day, asked: Asked) -> dict[str, Floats]:
        """Name → shape (R, C), of requests of one day."""
        shape = asked.item.shape
        of = partial(np.repeat, repeats=shape[1])
        flat = Asked(
            of(asked.t), of(asked.user), of(asked.visit), of(asked.intent), asked.item.ravel()
        )
        columns = {**self._shown(day, flat), **self._counted(flat), **self._taste(flat)}
        return {name: np.asarray(values, np.float64).reshape(shape)
                for name, values in columns.items()}  # fmt: skip

    def _shown(self, day: Day, asked: Asked) -> Columns:
        """What the shop itself shows of an item."""
        items = self._shop.items
        return {
            "item__category": items.category[asked.item],
            "item__level": self._level[asked.item],
            "item__discount": day.discount[asked.item],
            "item__in_stock": day.in_stock[asked.item],
            "item__age_days": (items.age - items.first_day + day.number)[asked.item],
            "text__match": day.intents.match(items, asked.intent, asked.item),
            "text__is_search": asked.intent >= 0,
        }

    def _counted(self, asked: Asked) -> Columns:
        columns: Columns = {}
        for name in ("item", "user", "query_item", *_TASTES, "visit_category", "category", "brand"):
            impressions, clicks = (of.before(self._key(name, asked), asked.t)
                                   for of in self._counts(name))  # fmt: skip
            columns[f"{name}_engagement__impressions_all"] = impressions
            columns[f"{name}_engagement__clicks_all"] = clicks
            columns[f"rate__{name}_all"] = self._prior.smoothed(clicks, impressions)
        return columns

    def _taste(self, asked: Asked) -> Columns:
        """How near an item's price is to what the user clicked so far, and shares of clicks."""
        clicks = self._counts("user")[1].before(asked.user, asked.t)
        with np.errstate(invalid="ignore"):
            usual = self._prices.before(asked.user, asked.t) / clicks
            shares = {
                f"taste__{name}": self._counts(name)[1].before(self._key(name, asked), asked.t)
                / clicks
                for name in _TASTES
            }
        return shares | {"taste__off_budget": np.abs(self._level[asked.item] - usual)}

    def _key(self, name: str, asked: Asked) -> Ints:
        items = self._shop.items
        if name in ("user", "item"):
            return np.asarray(getattr(asked, name))
        if name == "query_item":
            return (asked.intent + 1) * len(items) + asked.item
        if name in ("category", "brand"):
            return np.asarray(getattr(items, name)[asked.item])
        who, attribute = name.split("_")
        codes = getattr(items, attribute)
        return np.asarray(getattr(asked, who) * (codes.max() + 1) + codes[asked.item])

    def _counts(self, name: str) -> tuple[AsOfSum, AsOfSum]:
        if name not in self._counters:
            keys = self._key(name, self._asked)
            self._counters[name] = (
                AsOfSum(keys, self._asked.t, np.ones(keys.size)),
                AsOfSum(keys[self._clicked], self._clicked_at, np.ones(self._clicked.size)),
            )
        return self._counters[name]

    @cached_property
    def _prices(self) -> AsOfSum:
        user, item = self._asked.user[self._clicked], self._asked.item[self._clicked]
        return AsOfSum(user, self._clicked_at, self._level[item])

    @cached_property
    def _level(self) -> Floats:
        """Shape (N,): log of the list price against the mean of its category and market."""
        items = self._shop.items
        group = items.category * (items.market.max() + 1) + items.market
        price = np.log(items.list_price)
        mean = np.bincount(group, price) / np.maximum(np.bincount(group), 1)
        return np.asarray(price - mean[group])


_TASTES = ("user_category", "user_noun", "user_brand", "user_colour")


def as_matrix(columns: dict[str, Floats]) -> Matrix:
    """Shape (R * C, F) float32."""
    return np.stack([values.ravel() for values in columns.values()], axis=1).astype(np.float32)
