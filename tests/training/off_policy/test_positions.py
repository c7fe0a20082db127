"""Probabilities of slots agree with a count of all orders, and with what serving logs."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking import explore
from training.off_policy.positions import drawn_conditional, slot_probabilities
from training.rules import Exploration

TEMPERATURES = st.sampled_from([0.1, 0.5, 1.0, 3.0, 100.0])


@given(st.integers(1, 6), TEMPERATURES)
def test_slot_probabilities_agree_with_a_sum_over_all_orders(candidates, temperature):
    expected = np.zeros((candidates, candidates))
    for order in permutations(range(1, candidates + 1)):
        chance = drawn_conditional(np.array(order), candidates, temperature).prod()
        expected[np.array(order) - 1, np.arange(candidates)] += chance

    actual = slot_probabilities(candidates, temperature, candidates)

    np.testing.assert_allclose(actual, expected, atol=1e-8)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_some_item_is_in_each_slot_of_a_long_list(temperature):
    table = slot_probabilities(200, temperature, 12)

    np.testing.assert_allclose(table.sum(axis=0), 1, atol=1e-8)
    rates = np.arange(1, 201) ** (-1 / temperature)
    np.testing.assert_allclose(table[:, 0], rates / rates.sum(), rtol=1e-7)


@given(st.integers(0, 2**63 - 1), st.integers(3, 30), TEMPERATURES)
def test_conditional_probabilities_are_those_that_serving_logs(seed, candidates, temperature):
    order = list(range(candidates))
    plan = Exploration(share=1.0, temperature=temperature)

    explored = explore(order, [f"i{n}" for n in order], 3, plan, seed, frozenset())

    shown = explored.order[:3]
    logged = [explored.propensities[n] for n in shown]
    computed = drawn_conditional(np.array(shown) + 1, candidates, temperature)
    np.testing.assert_allclose(computed, logged, rtol=1e-9)
