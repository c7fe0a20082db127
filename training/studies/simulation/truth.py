"""What is really the case in a simulated shop: who wants what, and what any policy is worth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from training.metrics import Bools, Floats, Ints, gumbel_top_k
from training.studies.simulation.click_models import click_once_examined, examination
from training.studies.simulation.configuration import Scores
from training.studies.simulation.day import Day
from training.studies.simulation.outcomes import cart_rate, order_rate
from training.studies.simulation.policies import Pools, temperature_of
from training.studies.simulation.shop import Shop
from training.studies.simulation.slates import Slates
from training.studies.simulation.visits import slate_blocks

Gains = tuple[float, float, float]
"""Worth of a click, of a cart and of an order."""


@dataclass(frozen=True)
class Worth:
    """What R slates are worth; each of shape (R,), expected, not drawn."""

    clicks: Floats
    carts: Floats
    orders: Floats

    def total(self, gains: Gains = (1.0, 0.0, 0.0)) -> Floats:
        """Shape (R,): the sum of what is expected, by gain."""
        return gains[0] * self.clicks + gains[1] * self.carts + gains[2] * self.orders


@dataclass(frozen=True)
class PolicyValue:
    """The mean of what a policy's slates are worth, and how far chance may move it.

    Attributes:
        mean: per slate.
        standard_error: of the mean over `slates` requests; of the requests drawn, not of clicks.
    """

    mean: float
    standard_error: float
    slates: int


def relevance(day: Day, slates: Slates) -> Floats:
    """Shape (n,): attraction of each item shown, computed anew from its user, visit and search.

    Equal to `slates.attraction`, save for bots.
    """
    items, there = padded(slates, slates.item)
    found = day.attraction(np.maximum(slates.user, 0), slates.focus, slates.intent, items)
    return np.asarray(found[there])


def ideal_order(slates: Slates) -> Ints:
    """Shape (n,): places within the flat columns that put each slate's best items first.

    Best is most attractive, under every click model.  (In "dbn" a shopper who was satisfied leaves,
    so that in some slates another order would get a few clicks more.)
    """
    return np.lexsort((slates.position, -slates.attraction, slates.row))


def worth_of(day: Day, slates: Slates, items: Ints, there: Bools) -> Worth:
    """What would be expected had each of the R requests been answered with other items.

    Args:
        day: on which the requests came.
        slates: the requests; what they were shown does not matter.
        items: shape (R, K), item numbers, best position first.
        there: shape (R, K), false after the end of a slate.
    """
    wanted = day.attraction(np.maximum(slates.user, 0), slates.focus, slates.intent, items)
    wanted = np.where(there, wanted, 0.0)
    patience = day.users.patience[slates.user]
    seen = examination(day.config, slates.device, patience, wanted)
    clicks = np.where(there, seen * click_once_examined(day.config, wanted), 0.0)
    stocked = day.in_stock[items]
    return Worth(
        clicks=clicks.sum(axis=1),
        carts=(clicks * cart_rate(wanted, stocked)).sum(axis=1),
        orders=(clicks * order_rate(wanted, stocked)).sum(axis=1),
    )


def policy_value(
    shop: Shop,
    policy: str | Scores,
    *,
    temperature: float | None = None,
    days: range | None = None,
    gains: Gains = (1.0, 0.0, 0.0),
) -> PolicyValue:
    """What the slates of any policy are worth, for the requests that really came.

    The requests and candidates are the log's; the policy chooses from them with noise of its own
    seeds, and what follows is computed and not drawn.  Bots are left out.

    Args:
        shop: any shop.
        policy: as in `ShopConfig`; it need not be the one that made the log.
        temperature: of its noise; None: that of its kind.
        days: which ones; None: all.
        gains: worth of a click, cart and order.
    """
    other = replace(shop.config, policy=policy, temperature=temperature)
    worth = [
        _answered_otherwise(Day(other, day.number, day.items, day.users, day.intents), block)
        for day, block in people(shop, days)
    ]
    values = np.concatenate([w.total(gains) for w in worth])
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return PolicyValue(float(values.mean()), float(error), values.size)


def people(shop: Shop, days: range | None = None) -> Iterator[tuple[Day, Slates]]:
    """The slates of people, without bots', block by block, each with its day."""
    for number in days if days is not None else range(shop.days):
        day = shop.day(number)
        for block in slate_blocks(day):
            mine = block.where(block.bot < 0)
            if len(mine):
                yield day, mine


def padded(slates: Slates, column: Ints) -> tuple[Ints, Bools]:
    """A column of impressions as shape (R, K), 0 after a slate's end, and where it is there."""
    there = np.arange(slates.sizes.max(initial=0)) < slates.sizes[:, None]
    rows = np.zeros(there.shape, column.dtype)
    rows[there] = column
    return rows, there


def inclusion(scores: Floats, temperature: float, k: int, nodes: int = 400) -> Floats:
    """Probability that Gumbel top-k shows each of C candidates at all; they sum to k.

    Each candidate's exponential clock rings at a rate of exp(score / temperature); shown are the
    first k.  Candidate i is shown if it rings at a time at which fewer than k others have rung:
    an integral over that time, whose inner part is a Poisson binomial.

    Args:
        scores: shape (C,), finite.
        temperature: above 0.
        k: slate size, at most C.
        nodes: of the quadrature; the error falls with their square.
    """
    rates = np.exp((scores - scores.max()) / temperature)
    # Time u in (0, 1) of the clock of a rate of 1; the midpoints miss no end.
    found = np.zeros(scores.size)
    for own in range(scores.size):
        at = (np.arange(nodes) + 0.5) / nodes
        times = -np.log1p(-at) / rates[own]
        rung = -np.expm1(-np.outer(np.delete(rates, own), times))
        found[own] = _fewer_than(k, rung).mean()
    return found


def _fewer_than(k: int, probabilities: Floats) -> Floats:
    """Shape (nodes,): that of independent events, shape (m, nodes), fewer than k happen."""
    counts = np.zeros((k, probabilities.shape[1]))
    counts[0] = 1.0
    for probability in probabilities:
        stay = counts * (1 - probability)
        stay[1:] += counts[:-1] * probability
        counts = stay
    return np.asarray(counts.sum(axis=0))


def _answered_otherwise(day: Day, slates: Slates) -> Worth:
    pools = Pools(day)
    candidates, scores = pools.items(slates.pool), pools.scores(slates.pool, slates.user)
    seeds = slates.seed ^ np.uint64(0x5DEECE66D)
    scale = np.full(len(slates), temperature_of(day))
    chosen, _ = gumbel_top_k(scores, candidates, seeds, scale, int(slates.sizes.max()))
    items = np.take_along_axis(candidates, chosen, 1)
    there = (np.arange(items.shape[1]) < slates.sizes[:, None]) & (items >= 0)
    return worth_of(day, slates, np.maximum(items, 0), there)
