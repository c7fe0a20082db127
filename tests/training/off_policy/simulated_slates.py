"""Simulated logs of drawn slates, each with a policy and its true value."""

from dataclasses import dataclass

import numpy as np

from training.off_policy.policies import Ordered
from training.off_policy.positions import drawn_conditional, slot_probabilities
from training.off_policy.slates import LoggedSlates


@dataclass(frozen=True)
class Shop:
    """A shop whose pages are drawn from an order of `items` candidates, by kind of request.

    Attributes:
        users, slates_each: shoppers, and their slates.
        temperature: of the draw.
        likeness: correlation of the policy's order with the logged one, 0 to 1.
        click_rate: of an average item at the first position.
        depends_above: how much a click makes later clicks rarer, 0 to 1.
    """

    users: int = 1_000
    slates_each: int = 4
    slots: int = 5
    items: int = 20
    kinds: int = 6
    temperature: float = 1.0
    likeness: float = 0.7
    click_rate: float = 0.2
    depends_above: float = 0.0


def simulated_log(shop, seed):
    """Return the slates, the policy, and the true mean number of clicks of its slates."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(0, 1, (shop.kinds, shop.items))
    attraction = np.clip(shop.click_rate * np.exp(0.5 * taste - 0.125), 0, 0.6)
    logged, target = _orders(rng, taste, shop.likeness), _orders(rng, taste, shop.likeness)
    kind = rng.integers(shop.kinds, size=shop.users * shop.slates_each)
    clusters = np.repeat(np.arange(shop.users), shop.slates_each)
    rank = _drawn_ranks(rng, len(kind), shop)
    items = np.take_along_axis(logged[kind], rank - 1, axis=1)
    chances = attraction[kind[:, None], items] * _examination(shop.slots)
    chances *= rng.uniform(0.5, 1.5, shop.users)[clusters, None]
    marginal = slot_probabilities(shop.items, shop.temperature, shop.slots)
    slates = LoggedSlates(
        items=kind[:, None] * shop.items + items,
        positions=np.broadcast_to(np.arange(1, shop.slots + 1), items.shape),
        rewards=_clicks(rng, chances, shop.depends_above),
        conditional=np.stack(
            [drawn_conditional(ranks, shop.items, shop.temperature) for ranks in rank]
        ),
        marginal=marginal[rank - 1, np.arange(shop.slots)],
        clusters=clusters,
        item_count=shop.kinds * shop.items,
    )
    best = target[:, : shop.slots]
    policy = Ordered((np.arange(shop.kinds)[:, None] * shop.items + best)[kind])
    shown = np.take_along_axis(attraction, best, axis=1) * _examination(shop.slots)
    return slates, policy, _true_value(rng, shown, shop.depends_above)


def _orders(rng, taste, likeness):
    """Order the items of each kind by taste with noise; best first."""
    noisy = likeness * taste + np.sqrt(1 - likeness**2) * rng.normal(size=taste.shape)
    return np.argsort(-noisy, axis=1)


def _drawn_ranks(rng, slates, shop):
    noise = rng.gumbel(size=(slates, shop.items)) * shop.temperature
    scores = -np.log(np.arange(1, shop.items + 1)) + noise
    return np.argsort(-scores, axis=1)[:, : shop.slots] + 1


def _examination(slots):
    return 1 / np.arange(1, slots + 1) ** 0.5


def _clicks(rng, chances, depends_above):
    """Draw clicks from the top; each makes those below it rarer."""
    clicks, factor = np.zeros(chances.shape), np.ones(len(chances))
    for k in range(chances.shape[1]):
        clicks[:, k] = rng.random(len(chances)) < chances[:, k] * factor
        factor *= 1 - depends_above * clicks[:, k]
    return clicks


def _true_value(rng, chances, depends_above):
    """Return the expected clicks of a slate; by a long simulation where they depend on others.

    A shopper's factor has mean 1, so it matters only for clicks that depend on others.
    """
    if not depends_above:
        return float(chances.sum(axis=1).mean())
    repeated = np.repeat(chances, 200_000 // len(chances), axis=0)
    repeated = repeated * rng.uniform(0.5, 1.5, len(repeated))[:, None]
    return float(_clicks(rng, repeated, depends_above).sum(axis=1).mean())


def random_shop(seed):
    """Return a shop of any kind: many or few shoppers, likes and clicks; more or less drawn."""
    rng = np.random.default_rng([seed, 1])
    return Shop(
        users=int(rng.choice([300, 1_000, 3_000])),
        slates_each=int(rng.choice([1, 4])),
        slots=int(rng.choice([1, 3, 5, 8])),
        items=int(rng.choice([10, 20, 40])),
        temperature=float(rng.choice([0.5, 1.0, 2.0])),
        likeness=float(rng.choice([0.2, 0.6, 0.9])),
        click_rate=float(rng.choice([0.02, 0.05, 0.2])),
    )
