"""Estimators give the true value on a log that has each order in its proportion."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.off_policy.simulated_slates import Shop, simulated_log
from training.off_policy.estimators import estimate_all
from training.off_policy.policies import Logging, Ordered, Uniform
from training.off_policy.slates import LoggedSlates
from training.off_policy.weights import effective_size

ITEMS, SLOTS = 4, 2
ARRAYS = ("items", "positions", "rewards", "conditional", "marginal", "clusters")
ORDERS = list(permutations(range(ITEMS), SLOTS))
CLICK_RATES = st.lists(st.floats(0, 1), min_size=ITEMS * SLOTS, max_size=ITEMS * SLOTS).map(
    lambda rates: np.reshape(rates, (ITEMS, SLOTS))
)


def every_order(reward):
    """Return slates of all orders, each once, as the uniform policy draws them.

    Args:
        reward: order → rewards of its slots.
    """
    items = np.array(ORDERS)
    return LoggedSlates(
        items=items,
        positions=np.broadcast_to([1, 2], items.shape),
        rewards=np.array([reward(order) for order in ORDERS], np.float64),
        conditional=np.broadcast_to([1 / ITEMS, 1 / (ITEMS - 1)], items.shape),
        marginal=np.full(items.shape, 1 / ITEMS),
        clusters=np.arange(len(items)),
        item_count=ITEMS,
    )


def always(order):
    return Ordered(np.tile(order, (len(ORDERS), 1)))


@given(CLICK_RATES, st.sampled_from(ORDERS))
def test_all_estimators_are_exact_if_a_click_depends_on_item_and_position(rates, order):
    slates = every_order(lambda o: [rates[item, k] for k, item in enumerate(o)])
    truth = sum(rates[item, k] for k, item in enumerate(order))

    estimates = estimate_all(slates, always(order))

    for name in ("snips", "rips", "iips"):
        assert estimates[name].value == pytest.approx(truth), name


@given(CLICK_RATES, st.sampled_from(ORDERS), st.floats(0, 1))
def test_ips_with_reward_interaction_is_exact_if_a_click_depends_on_those_above(
    rates, order, interaction
):
    def clicks(shown):
        first = rates[shown[0], 0]
        return [first, rates[shown[1], 1] * (1 - interaction * first)]

    estimates = estimate_all(every_order(clicks), always(order))

    assert estimates["snips"].value == pytest.approx(sum(clicks(order)))
    assert estimates["rips"].value == pytest.approx(sum(clicks(order)))


@pytest.mark.parametrize("of_one_length", [True, False])
def test_the_logging_policy_has_exactly_the_observed_value(of_one_length):
    slates, _, _ = simulated_log(Shop(users=100), 5)
    if not of_one_length:
        slates = shortened(slates, np.random.default_rng(5))

    estimates = estimate_all(slates, Logging())

    assert {name: one.value for name, one in estimates.items()} == dict.fromkeys(
        estimates, slates.observed
    )


def shortened(slates, rng):
    """Return slates of 1 to K items."""
    ended = np.arange(slates.items.shape[1]) >= rng.integers(1, 6, len(slates))[:, None]
    return replace(
        slates,
        items=np.where(ended, -1, slates.items),
        rewards=np.where(ended, 0.0, slates.rewards),
        conditional=np.where(ended, 1.0, slates.conditional),
        marginal=np.where(ended, 1.0, slates.marginal),
    )


@given(CLICK_RATES)
def test_the_uniform_policy_weighs_what_it_drew_by_one(rates):
    slates = every_order(lambda o: [rates[item, k] for k, item in enumerate(o)])

    estimates = estimate_all(slates, Uniform([np.arange(ITEMS)] * len(slates)))

    assert estimates["snips"].value == pytest.approx(slates.observed)
    assert np.unique(estimates["iips"].weights).tolist() == pytest.approx([1.0])


def test_the_influence_of_a_slate_is_what_a_further_copy_of_it_adds():
    slates, policy, _ = simulated_log(Shop(users=500, slots=2, items=6), 3)
    estimates = estimate_all(slates, policy)
    rows = np.r_[np.arange(len(slates)), 7]

    more = replace(slates, **{name: getattr(slates, name)[rows] for name in ARRAYS})
    after = estimate_all(more, Ordered(policy.items[rows]))

    for name in ("snips", "rips", "iips"):
        moved = after[name].value - estimates[name].value
        expected = estimates[name].influence[7] / len(slates)
        assert moved == pytest.approx(expected, rel=0.05, abs=1e-7), name


def test_the_effective_size_is_the_number_of_equal_weights():
    clusters = np.repeat(np.arange(10), 2)

    assert effective_size(np.ones((20, 3)), clusters) == pytest.approx(10)
    assert effective_size(np.zeros((20, 3)), clusters) == 0
    assert effective_size(np.eye(20)[:, :1], clusters) == pytest.approx(1)
