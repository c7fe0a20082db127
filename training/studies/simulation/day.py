"""The shop on one day: prices, stock, tastes, what can be shown, and what users want of it."""

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
"""Weights of the utility, on the scale of the logit; a search for something else repels."""
_CENT = 0.01
_USUAL_OFF_BUDGET = 2 / np.pi
"""Square of the mean distance of a standard normal from 0."""


@dataclass(frozen=True)
class Day:
    """One day; `number` counts from 0."""

    config: ShopConfig
    number: int
    items: Items
    users: Users
    intents: Intents

    @cached_property
    def campaign(self) -> Campaign | None:
        """What is on offer."""
        return campaign(self.config.seed, self.number)

    @cached_property
    def price(self) -> Floats:
        """Shape (N,): prices to pay, in the market's currency."""
        shock_day, shock = self.config.breakage.shock_day, self.config.breakage.shock
        shocked = shock_day is not None and self.number >= shock_day
        usual = self.items.list_price * np.exp(self.items.change(self.number))
        asked = usual * (1 - self.discount) * (shock if shocked else 1.0)
        return np.maximum(np.round(asked, 2), _CENT)

    @cached_property
    def discount(self) -> Floats:
        """Shape (N,): share that a campaign takes off."""
        return self.items.discount(self.campaign)

    @cached_property
    def stock(self) -> Ints:
        """Shape (N,): pieces left, 0 where sold out."""
        return self.items.stock(self.number)

    @cached_property
    def in_stock(self) -> Bools:
        """Shape (N,): whether each item can be bought."""
        return self.stock > 0

    @cached_property
    def for_sale(self) -> list[Ints]:
        """By market, the numbers of the items that can be shown."""
        shown = self.items.for_sale(self.number)
        codes = range(len(self.config.markets))
        return [np.flatnonzero(shown & (self.items.market == code)) for code in codes]

    @cached_property
    def taste(self) -> Floats:
        """Shape (U, TASTE): what each user likes."""
        return self.users.taste_on(self.number)

    @cached_property
    def _level(self) -> Floats:
        """Shape (N,): price level, in spreads of the category's prices."""
        return np.asarray(self.items.level + np.log(self.price / self.items.list_price) / SPREAD)

    @cached_property
    def _own_utility(self) -> Floats:
        """Shape (N,): what every user thinks of an item."""
        return _BASE + _QUALITY * self.items.quality - _SOLD_OUT * ~self.in_stock

    @cached_property
    def _root_interest(self) -> Floats:
        return np.asarray(_INTEREST * np.sqrt(self.users.interest))

    @cached_property
    def _usual_interest(self) -> Floats:
        return np.asarray(self._root_interest.mean(axis=0))

    @cached_property
    def _usual_thrift(self) -> float:
        return float(self.users.thrift.mean())

    def attraction(self, users: Ints, focus: Ints, intents: Ints, items: Ints) -> Floats:
        """The truth: probability of a click once examined, of any user and any item.

        Args:
            users: shape (R,), numbers.
            focus: shape (R,), category the visit is about, -1 for none.
            intents: shape (R,), what is searched for, -1 for nothing.
            items: shape (R, K), numbers.

        Returns:
            Shape (R, K), logistic in the utility.
        """
        return np.asarray(1 / (1 + np.exp(-self.utility(users, focus, intents, items))))

    def utility(self, users: Ints, focus: Ints, intents: Ints, items: Ints) -> Floats:
        """The logit of `attraction`, with the same arguments."""
        who, category = users[:, None], self.items.category[items]
        off_budget = np.abs(self._level[items] - self.users.budget[who])
        # No BLAS: its sums may depend on the machine's threads.
        liking = np.einsum("rkd,rd->rk", self.items.taste[items], self.taste[users])
        return np.asarray(
            self._own_utility[items]
            + self._root_interest[who, category]
            + _FOCUS * (category == focus[:, None])
            + _TASTE * liking
            - _PRICE * self.users.thrift[who] * off_budget
            + self._search(intents, items)
        )

    def usual_utility(self, intents: Ints, items: Ints) -> Floats:
        """Shape (R, K): nearly the utility for a user of whom nothing is known."""
        off_budget = np.sqrt(self._level[items] ** 2 + _USUAL_OFF_BUDGET)
        interest = self._usual_interest[self.items.category[items]]
        known = self._own_utility[items] + interest - _PRICE * self._usual_thrift * off_budget
        return np.asarray(known + self._search(intents, items))

    def _search(self, intents: Ints, items: Ints) -> Floats:
        match = self.intents.match(self.items, intents[:, None], items)
        return np.where(intents[:, None] >= 0, _MATCH * match - _MISMATCH, 0.0)
