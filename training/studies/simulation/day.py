"""One day of the shop: prices, stock, tastes, and the true relevance of any item to any user."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.metrics import Bools, Floats, Ints
from training.studies.simulation.calendar import Campaign, campaign
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.intents import Intents
from training.studies.simulation.items import SPREAD, Items
from training.studies.simulation.users import Users

_BASE = -3.0
_INTEREST, _FOCUS, _TASTE, _QUALITY, _PRICE = 3.5, 0.8, 1.2, 0.9, 0.6
_SOLD_OUT = 1.0
_MATCH, _MISMATCH = 2.0, 1.5
"""Weights of the utility, in logits; a mismatch with the search lowers it."""
_CENT = 0.01
_MEAN_OFF_BUDGET = 2 / np.pi
"""Square of the mean absolute value of a standard normal."""


@dataclass(frozen=True)
class Day:
    """One day of a shop; `number` starts at 0."""

    config: ShopConfig
    number: int
    items: Items
    users: Users
    intents: Intents

    @cached_property
    def campaign(self) -> Campaign | None:
        """The campaign of the day, if any."""
        return campaign(self.config.seed, self.number)

    @cached_property
    def price(self) -> Floats:
        """Shape (N,): prices after discounts, in the market's currency."""
        shock_day, shock = self.config.breakage.shock_day, self.config.breakage.shock
        shocked = shock_day is not None and self.number >= shock_day
        full_price = self.items.list_price * np.exp(self.items.price_change(self.number))
        price = full_price * (1 - self.discount) * (shock if shocked else 1.0)
        return np.maximum(np.round(price, 2), _CENT)

    @cached_property
    def discount(self) -> Floats:
        """Shape (N,): share of the price that a campaign takes off."""
        return self.items.discount(self.campaign)

    @cached_property
    def stock(self) -> Ints:
        """Shape (N,): pieces in stock, 0 if sold out."""
        return self.items.stock(self.number)

    @cached_property
    def in_stock(self) -> Bools:
        """Shape (N,): whether each item can be bought."""
        return self.stock > 0

    @cached_property
    def for_sale(self) -> list[Ints]:
        """Item numbers on sale, by market."""
        on_sale = self.items.for_sale(self.number)
        codes = range(len(self.config.markets))
        return [np.flatnonzero(on_sale & (self.items.market == code)) for code in codes]

    @cached_property
    def taste(self) -> Floats:
        """Shape (U, TASTE): taste vectors of the users."""
        return self.users.taste_on(self.number)

    @cached_property
    def _level(self) -> Floats:
        """Shape (N,): log price relative to the category's median, in standard deviations."""
        return np.asarray(self.items.level + np.log(self.price / self.items.list_price) / SPREAD)

    @cached_property
    def _item_utility(self) -> Floats:
        """Shape (N,): the part of the utility that is the same for every user."""
        return _BASE + _QUALITY * self.items.quality - _SOLD_OUT * ~self.in_stock

    @cached_property
    def _root_interest(self) -> Floats:
        return np.asarray(_INTEREST * np.sqrt(self.users.interest))

    @cached_property
    def _mean_interest(self) -> Floats:
        return np.asarray(self._root_interest.mean(axis=0))

    @cached_property
    def _mean_thrift(self) -> float:
        return float(self.users.thrift.mean())

    def attraction(self, users: Ints, focus: Ints, intents: Ints, items: Ints) -> Floats:
        """Return the true relevance: the probability of a click on an examined item.

        Args:
            users: shape (R,), user numbers.
            focus: shape (R,), category of the session, -1 for none.
            intents: shape (R,), search intents, -1 for none.
            items: shape (R, K), item numbers.

        Returns:
            Shape (R, K), the logistic function of the utility.
        """
        return np.asarray(1 / (1 + np.exp(-self.utility(users, focus, intents, items))))

    def utility(self, users: Ints, focus: Ints, intents: Ints, items: Ints) -> Floats:
        """Return the logit of `attraction`; the same arguments."""
        user, category = users[:, None], self.items.category[items]
        off_budget = np.abs(self._level[items] - self.users.budget[user])
        # Not by matrix product: sums of BLAS may depend on the machine's threads.
        taste_match = np.einsum("rkd,rd->rk", self.items.taste[items], self.taste[users])
        return np.asarray(
            self._item_utility[items]
            + self._root_interest[user, category]
            + _FOCUS * (category == focus[:, None])
            + _TASTE * taste_match
            - _PRICE * self.users.thrift[user] * off_budget
            + self._search(intents, items)
        )

    def average_utility(self, intents: Ints, items: Ints) -> Floats:
        """Return nearly the utility for an average user, shape (R, K)."""
        off_budget = np.sqrt(self._level[items] ** 2 + _MEAN_OFF_BUDGET)
        interest = self._mean_interest[self.items.category[items]]
        utility = self._item_utility[items] + interest - _PRICE * self._mean_thrift * off_budget
        return np.asarray(utility + self._search(intents, items))

    def _search(self, intents: Ints, items: Ints) -> Floats:
        match = self.intents.match(self.items, intents[:, None], items)
        return np.where(intents[:, None] >= 0, _MATCH * match - _MISMATCH, 0.0)
