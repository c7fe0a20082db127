"""Posteriors follow from counts: compared with sums in plain Python and with textbook formulas."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.bandits import Bandit, Context, Feature, posteriors
from training.bandits.posterior import Beta, discounted

BANDIT = Bandit("banner", ("a", "b"), "a", prior=(2.0, 5.0))
DAYS = 31


def counts_of(*arms):
    """Counts of arms, each given as (age in days, decisions, rewards), …"""
    counts = np.zeros((len(arms), 2, DAYS), np.int64)
    for arm, of_arm in zip(counts, arms, strict=True):
        for age, decisions, rewards in of_arm:
            arm[:, age] = decisions, rewards
    return counts


def test_without_a_discount_all_decisions_count():
    counts = counts_of([(0, 7, 2), (3, 10, 5), (DAYS - 1, 100, 10)], [])

    assert posteriors(BANDIT, 0, counts) == (Beta(2 + 17, 5 + 100), Beta(2, 5))


def test_a_discount_weighs_days_and_forgets_what_is_older_than_the_tiles():
    bandit = replace(BANDIT, discount=0.5)
    counts = counts_of([(0, 8, 2), (2, 16, 4), (DAYS - 1, 1000, 1000)], [(1, 4, 4)])

    assert posteriors(bandit, 0, counts) == (Beta(2 + 3, 5 + 9), Beta(2 + 2, 5))


def test_a_reward_on_the_day_after_its_decision_leaves_no_negative_count():
    bandit = replace(BANDIT, discount=0.5)

    assert posteriors(bandit, 0, counts_of([(1, 1, 0), (0, 0, 1)], []))[0] == Beta(3, 5)


@given(
    st.lists(st.integers(0, 10**6), min_size=DAYS, max_size=DAYS),
    st.floats(0.01, 1, exclude_max=True),
)
def test_discounted_sums_equal_powers_of_the_discount(days, discount):
    expected = sum(count * discount**age for age, count in enumerate(days[:-1]))

    assert discounted(np.array(days), discount) == pytest.approx(expected, rel=1e-12)


def test_a_linear_posterior_is_that_of_bayesian_regression_on_single_decisions():
    context = Context((Feature("clicks", (1.0, 2.0, 5.0)),))
    bandit = replace(BANDIT, model="linear", context=context, prior=(1.0, 3.0))
    rng = np.random.default_rng(1)
    cells, rewards = rng.integers(0, 5, 200), rng.integers(0, 2, 200)
    counts = counts_of(
        *(
            [(0, (cells == cell).sum(), rewards[cells == cell].sum())] if arm == 0 else []
            for cell in range(5)
            for arm in range(2)
        )
    )

    design = np.array([context.cells[cell].columns for cell in cells])
    prior = np.array([0.25, 0.0, 0.0])
    rate = (1 + rewards.sum()) / (4 + 200)
    noise = rate * (1 - rate)
    covariance = np.linalg.inv(np.eye(3) + design.T @ design / noise)
    weights = covariance @ (prior + design.T @ rewards / noise)
    for cell in range(5):
        row = np.array(context.cells[cell].columns)
        learned, unseen = posteriors(bandit, cell, counts)
        assert learned.mean == pytest.approx(row @ weights)
        assert learned.deviation**2 == pytest.approx(row @ covariance @ row)
        assert unseen.mean == pytest.approx(0.25)
        assert unseen.deviation**2 == pytest.approx(row @ row)
