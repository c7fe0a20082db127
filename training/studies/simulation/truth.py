"""The hidden truth of a simulated shop: relevance, ideal orders, and the value of any policy."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from training.metrics import Bools, Floats, Ints, gumbel_top_k
from training.studies.simulation.click_models import click_if_examined, examination
from training.studies.simulation.day import Day
from training.studies.simulation.outcomes import cart_rate, order_rate
from training.studies.simulation.policies import Pools, Scores, temperature_of
from training.studies.simulation.shop import Shop
from training.studies.simulation.slates import Slates
from training.studies.simulation.visits import slate_blocks

Gains = tuple[float, float, float]
"""Gains of a click, a cart and an order."""


@dataclass(frozen=True)
class SlateValue:
    """Expected outcomes of R slates; each of shape (R,)."""

    clicks: Floats
    carts: Floats
    orders: Floats

    def total(self, gains: Gains = (1.0, 0.0, 0.0)) -> Floats:
        """Return the expected gain of each slate, shape (R,)."""
        return gains[0] * self.clicks + gains[1] * self.carts + gains[2] * self.orders


@dataclass(frozen=True)
class PolicyValue:
    """The mean value of a policy's slates, with its standard error.

    Attributes:
        mean: per slate.
        standard_error: of the mean, from the sampling of requests; clicks are not sampled.
        slates: number of requests.
    """

    mean: float
    standard_error: float
    slates: int


def relevance(day: Day, slates: Slates) -> Floats:
    """Compute the attraction of each impression from user, session and intent, shape (n,).

    Equal to `slates.attraction`, except for bots.
    """
    items, shown = pad(slates, slates.item)
    attraction = day.attraction(np.maximum(slates.user, 0), slates.focus, slates.intent, items)
    return np.asarray(attraction[shown])


def ideal_order(slates: Slates) -> Ints:
    """Return the rows of the impressions, shape (n,), with each slate's most attractive item first.

    This is the best order under every click model.  (In "dbn" satisfied users leave, so another
    order of some slates would get slightly more clicks.)
    """
    return np.lexsort((slates.position, -slates.attraction, slates.row))


def slate_value(day: Day, slates: Slates, items: Ints, shown: Bools) -> SlateValue:
    """Return the expected outcomes of R requests if they showed these items instead.

    Args:
        day: of the requests.
        slates: the requests; their own items are ignored.
        items: shape (R, K), item numbers, best position first.
        shown: shape (R, K), false after the end of a slate.
    """
    attraction = day.attraction(np.maximum(slates.user, 0), slates.focus, slates.intent, items)
    attraction = np.where(shown, attraction, 0.0)
    patience = day.users.patience[slates.user]
    examined = examination(day.config, slates.device, patience, attraction)
    clicks = np.where(shown, examined * click_if_examined(day.config, attraction), 0.0)
    in_stock = day.in_stock[items]
    return SlateValue(
        clicks=clicks.sum(axis=1),
        carts=(clicks * cart_rate(attraction, in_stock)).sum(axis=1),
        orders=(clicks * order_rate(attraction, in_stock)).sum(axis=1),
    )


def policy_value(
    shop: Shop,
    policy: str | Scores,
    *,
    temperature: float | None = None,
    days: range | None = None,
    gains: Gains = (1.0, 0.0, 0.0),
) -> PolicyValue:
    """Return the expected value of a policy's slates on the requests of a shop.

    The policy ranks the requests and candidates of the log, with other noise than the logging
    policy; clicks are expectations, not samples.  Requests of bots are excluded.

    Args:
        shop: any shop.
        policy: as in `ShopConfig`; it may differ from the logging policy.
        temperature: of its noise; None: its default.
        days: of the requests; None: all.
        gains: of a click, a cart and an order.
    """
    config = replace(shop.config, policy=policy, temperature=temperature)
    parts = [
        _policy_slate_value(Day(config, day.number, day.items, day.users, day.intents), block)
        for day, block in human_slates(shop, days)
    ]
    values = np.concatenate([part.total(gains) for part in parts])
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return PolicyValue(float(values.mean()), float(error), values.size)


def human_slates(shop: Shop, days: range | None = None) -> Iterator[tuple[Day, Slates]]:
    """Yield the slates of humans, block by block, each with its day."""
    for number in days if days is not None else range(shop.days):
        day = shop.day(number)
        for block in slate_blocks(day):
            humans = block.where(block.bot < 0)
            if len(humans):
                yield day, humans


def pad(slates: Slates, column: Ints) -> tuple[Ints, Bools]:
    """Pad a column of impressions to shape (R, K) with 0; also return the mask of impressions."""
    mask = np.arange(slates.sizes.max(initial=0)) < slates.sizes[:, None]
    rows = np.zeros(mask.shape, column.dtype)
    rows[mask] = column
    return rows, mask


def inclusion_probabilities(scores: Floats, temperature: float, k: int, nodes: int = 400) -> Floats:
    """Return the probability that Gumbel top-k shows each of C candidates; the sum is k.

    Gumbel top-k is a race: each candidate arrives after an exponential time with the rate
    exp(score / temperature), and the first k are shown.  Candidate i is shown if fewer than k
    others arrive before it: an integral over its arrival time of a Poisson binomial probability.

    Args:
        scores: shape (C,), finite.
        temperature: above 0.
        k: slate size, at most C.
        nodes: number of quadrature nodes; the error falls with its square.
    """
    rates = np.exp((scores - scores.max()) / temperature)
    # Nodes are midpoints of equal quantiles of the candidate's arrival time.
    quantiles = (np.arange(nodes) + 0.5) / nodes
    probabilities = np.zeros(scores.size)
    for i in range(scores.size):
        times = -np.log1p(-quantiles) / rates[i]
        arrived = -np.expm1(-np.outer(np.delete(rates, i), times))
        probabilities[i] = _fewer_than(k, arrived).mean()
    return probabilities


def _fewer_than(k: int, probabilities: Floats) -> Floats:
    """Return the probability that fewer than k of m independent events occur, shape (nodes,).

    `probabilities` has shape (m, nodes).
    """
    # counts[j] is the probability that j of the events so far occurred: add one event at a time.
    counts = np.zeros((k, probabilities.shape[1]))
    counts[0] = 1.0
    for probability in probabilities:
        next_counts = counts * (1 - probability)
        next_counts[1:] += counts[:-1] * probability
        counts = next_counts
    return np.asarray(counts.sum(axis=0))


def _policy_slate_value(day: Day, slates: Slates) -> SlateValue:
    pools = Pools(day)
    candidates, scores = pools.items(slates.pool), pools.scores(slates.pool, slates.user)
    seeds = slates.seed ^ np.uint64(0x5DEECE66D)
    scale = np.full(len(slates), temperature_of(day))
    ranked, _ = gumbel_top_k(scores, candidates, seeds, scale, int(slates.sizes.max()))
    items = np.take_along_axis(candidates, ranked, 1)
    shown = (np.arange(items.shape[1]) < slates.sizes[:, None]) & (items >= 0)
    return slate_value(day, slates, np.maximum(items, 0), shown)
