"""Features of the candidates of simulated requests: item attributes, and counts as of the request.

Features use no hidden truth (quality, taste, focus), no position, and only events before the
request.
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

CLICK_DELAY = MINUTE
"""Delay after which the clicks of a slate count; shorter than the time to the next request."""


@dataclass(frozen=True)
class Candidates:
    """R requests with C candidates each: shape (R,), but `item` has shape (R, C)."""

    t: Ints
    user: Ints
    visit: Ints
    intent: Ints
    item: Ints


class History:
    """All impressions and clicks, to be counted as of any instant."""

    def __init__(self, shop: Shop, slates: Slates, prior: RatePrior) -> None:
        self._shop, self._slates, self._prior = shop, slates, prior
        of = slates.of_impressions
        self._impressions = Candidates(of("t"), of("user"), of("visit"), of("intent"), slates.item)
        self._clicked = np.flatnonzero(slates.clicked)
        self._clicked_at = self._impressions.t[self._clicked] + CLICK_DELAY
        self._counters: dict[str, tuple[AsOfSum, AsOfSum]] = {}

    def features(self, day: Day, candidates: Candidates) -> dict[str, Floats]:
        """Return each feature of the candidates of one day's requests, shape (R, C)."""
        shape = candidates.item.shape
        of = partial(np.repeat, repeats=shape[1])
        flat = Candidates(
            of(candidates.t),
            of(candidates.user),
            of(candidates.visit),
            of(candidates.intent),
            candidates.item.ravel(),
        )
        columns = {**self._attributes(day, flat), **self._counts(flat), **self._taste(flat)}
        return {
            name: np.asarray(values, np.float64).reshape(shape) for name, values in columns.items()
        }

    def _attributes(self, day: Day, candidates: Candidates) -> Columns:
        """Return the attributes of the items."""
        items = self._shop.items
        return {
            "item__category": items.category[candidates.item],
            "item__level": self._level[candidates.item],
            "item__discount": day.discount[candidates.item],
            "item__in_stock": day.in_stock[candidates.item],
            "item__age_days": (items.age - items.first_day + day.number)[candidates.item],
            "text__match": day.intents.match(items, candidates.intent, candidates.item),
            "text__is_search": candidates.intent >= 0,
        }

    def _counts(self, candidates: Candidates) -> Columns:
        """Return impressions, clicks and smoothed click rates by entity and attribute."""
        columns: Columns = {}
        for name in ("item", "user", "query_item", *_TASTES, "visit_category", "category", "brand"):
            key = self._key(name, candidates)
            impressions, clicks = (
                counter.before(key, candidates.t) for counter in self._counters_of(name)
            )
            columns[f"{name}_engagement__impressions_all"] = impressions
            columns[f"{name}_engagement__clicks_all"] = clicks
            columns[f"rate__{name}_all"] = self._prior.smoothed(clicks, impressions)
        return columns

    def _taste(self, candidates: Candidates) -> Columns:
        """Return the distance to the user's mean price level, and attribute shares of clicks."""
        clicks = self._counters_of("user")[1].before(candidates.user, candidates.t)
        with np.errstate(invalid="ignore"):
            mean_level = self._levels.before(candidates.user, candidates.t) / clicks
            shares = {
                f"taste__{name}": self._counters_of(name)[1].before(
                    self._key(name, candidates), candidates.t
                )
                / clicks
                for name in _TASTES
            }
        return shares | {"taste__off_budget": np.abs(self._level[candidates.item] - mean_level)}

    def _key(self, name: str, candidates: Candidates) -> Ints:
        """Return the counter key of each candidate, as one integer."""
        items = self._shop.items
        if name in ("user", "item"):
            return np.asarray(getattr(candidates, name))
        if name == "query_item":
            return (candidates.intent + 1) * len(items) + candidates.item
        if name in ("category", "brand"):
            return np.asarray(getattr(items, name)[candidates.item])
        entity, attribute = name.split("_")
        codes = getattr(items, attribute)
        return np.asarray(getattr(candidates, entity) * (codes.max() + 1) + codes[candidates.item])

    def _counters_of(self, name: str) -> tuple[AsOfSum, AsOfSum]:
        if name not in self._counters:
            keys = self._key(name, self._impressions)
            self._counters[name] = (
                AsOfSum(keys, self._impressions.t, np.ones(keys.size)),
                AsOfSum(keys[self._clicked], self._clicked_at, np.ones(self._clicked.size)),
            )
        return self._counters[name]

    @cached_property
    def _levels(self) -> AsOfSum:
        user, item = self._impressions.user[self._clicked], self._impressions.item[self._clicked]
        return AsOfSum(user, self._clicked_at, self._level[item])

    @cached_property
    def _level(self) -> Floats:
        """Log of the list price relative to the mean of category and market, shape (N,)."""
        items = self._shop.items
        group = items.category * (items.market.max() + 1) + items.market
        price = np.log(items.list_price)
        mean = np.bincount(group, price) / np.maximum(np.bincount(group), 1)
        return np.asarray(price - mean[group])


_TASTES = ("user_category", "user_noun", "user_brand", "user_colour")


def as_matrix(columns: dict[str, Floats]) -> Matrix:
    """Stack the features into a matrix, shape (R * C, F) float32."""
    return np.stack([values.ravel() for values in columns.values()], axis=1).astype(np.float32)
