"""Requests, the slates shown for them, and their outcomes, as columns of numpy arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from training.metrics import Bools, Floats, Ints, Seeds

NONE = -1
"""Code of a missing intent (home page), query form, user (a bot) or bot (a human)."""


@dataclass(frozen=True)
class Requests:
    """R requests without their slates; each column has shape (R,).

    request: number, unique in the shop and ascending within a day.
    visit: number of the session, unique and ascending like `request`.
    t: instant, µs.
    user, bot: number of the human or bot; -1 for the other kind.
    anonymous: whether the log has no user id.
    market, device: codes.
    intent: search intent, -1 on the home page.
    form: form of the query text: proper, synonym or one of two typing errors.
    focus: category of the session; hidden truth.
    pool: number of the day's candidate pool.
    seed, temperature: of the Gumbel noise on the policy's scores.
    randomized: whether the request is in the randomized share.
    """

    request: Ints
    visit: Ints
    t: Ints
    user: Ints
    bot: Ints
    anonymous: Bools
    market: Ints
    device: Ints
    intent: Ints
    form: Ints
    focus: Ints
    pool: Ints
    seed: Seeds
    temperature: Floats
    randomized: Bools

    def __len__(self) -> int:
        return self.request.size


@dataclass(frozen=True)
class Slates(Requests):
    """R requests with their slates of n impressions in total, and the outcomes.

    The impressions of a slate are contiguous, best position first: request r has the rows
    from offsets[r] to offsets[r + 1].  The columns of impressions have shape (n,).

    item, position: item number, and position from 1.
    score: the policy's score, without noise.
    propensity: probability of this item at this position, given the items above it; their product
        is the probability of the slate.
    attraction: probability of a click if examined, without position or trust bias: the relevance.
    examination: probability of being examined, given the slate.
    click_probability: examination times the probability of a click if examined.
    examined, clicked, carted, ordered, returned: the outcomes drawn.
    dwell: seconds on the item's page.
    order_delay, return_delay: µs from cart to order and from order to return; 0 without one.
    """

    offsets: Ints
    item: Ints
    position: Ints
    score: Floats
    propensity: Floats
    attraction: Floats
    examination: Floats
    click_probability: Floats
    examined: Bools
    clicked: Bools
    dwell: Floats
    carted: Bools
    ordered: Bools
    order_delay: Ints
    returned: Bools
    return_delay: Ints

    @property
    def sizes(self) -> Ints:
        """Number of items of each slate, shape (R,)."""
        return np.diff(self.offsets)

    @property
    def row(self) -> Ints:
        """Row of the request of each impression, shape (n,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def of_impressions(self, name: str) -> Any:
        """Repeat a column of requests for each impression, shape (n,)."""
        return np.repeat(getattr(self, name), self.sizes)

    @classmethod
    def concatenate(cls, parts: Iterable["Slates"]) -> "Slates":
        """Concatenate blocks."""
        blocks = list(parts)
        columns = {f.name: [getattr(b, f.name) for b in blocks] for f in fields(cls)}
        sizes = np.concatenate([block.sizes for block in blocks])
        columns["offsets"] = [np.concatenate([[0], np.cumsum(sizes)])]
        return cls(**{name: np.concatenate(values) for name, values in columns.items()})

    def where(self, selected: Bools) -> "Slates":
        """Return the slates where `selected`, shape (R,), is true."""
        impressions = np.repeat(selected, self.sizes)
        of_requests = {f.name for f in fields(Requests)}
        columns = {
            f.name: getattr(self, f.name)[selected if f.name in of_requests else impressions]
            for f in fields(self)
            if f.name != "offsets"
        }
        return Slates(**columns, offsets=np.concatenate([[0], np.cumsum(self.sizes[selected])]))
