"""What was shown and what came of it, as columns."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from training.metrics import Bools, Floats, Ints, Seeds

NOT = -1
"""No intent (the home page), no form of words, no user (a bot), no bot."""


@dataclass(frozen=True)
class Requests:
    """R requests before they are answered; each column of shape (R,).

    request: number, unique in the shop and ascending within a day.  visit: likewise.
    t: instant.
    user, bot: number of who came; -1 for the other kind.  anonymous: whether the log names no user.
    market, device: codes.  intent: what was searched for, -1 on the home page.  form: how it was
        typed.  focus: the category that the visit is about, which nobody but the truth knows.
    pool: the day's pool of candidates the policy chooses from.
    seed, temperature: of the Gumbel noise on the policy's scores.
    randomized: whether the request is of the randomized slice.
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
    """R requests, the n items shown for them, and what came of it.

    The items of a slate lie side by side, best position first: those of request r are the places
    from offsets[r] to offsets[r + 1].  The other columns have shape (n,).

    item, position: item number, and place from 1.
    score, propensity: the policy's, without noise; probability of this item at this position, given
        those above it, so that a slate's probability is their product.
    attraction: click probability once examined, position apart.
    examination: probability of being examined, given the slate.
    click_probability: their product, where there is no trust bias.
    examined, clicked, carted, ordered, returned: what happened.
    dwell: seconds on the item's page.
    order_delay, return_delay: microseconds from cart to order and from order to return.  0 where
        nothing of the kind happened.
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
        """Shape (R,): items of each slate."""
        return np.diff(self.offsets)

    @property
    def row(self) -> Ints:
        """Shape (n,): to which slate, from 0, each impression belongs."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def of_impressions(self, name: str) -> Any:
        """Shape (n,): a column of requests, repeated for each item shown."""
        return np.repeat(getattr(self, name), self.sizes)

    @classmethod
    def joined(cls, parts: Iterable["Slates"]) -> "Slates":
        """Several blocks as one."""
        blocks = list(parts)
        columns = {f.name: [getattr(b, f.name) for b in blocks] for f in fields(cls)}
        sizes = np.concatenate([block.sizes for block in blocks])
        columns["offsets"] = [np.concatenate([[0], np.cumsum(sizes)])]
        return cls(**{name: np.concatenate(values) for name, values in columns.items()})

    def where(self, chosen: Bools) -> "Slates":
        """The slates for which `chosen`, shape (R,), is true."""
        shown = np.repeat(chosen, self.sizes)
        of_requests = {f.name for f in fields(Requests)}
        columns = {
            f.name: getattr(self, f.name)[chosen if f.name in of_requests else shown]
            for f in fields(self)
            if f.name != "offsets"
        }
        return Slates(**columns, offsets=np.concatenate([[0], np.cumsum(self.sizes[chosen])]))
