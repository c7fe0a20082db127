"""The simulated shop's truth agrees with its outcomes, under every click model."""

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.bench_simulator import check
from tests.scale import examples
from training.metrics import gumbel, gumbel_top_k
from training.studies.simulation import CLICK_MODELS, Shop, ShopConfig, Slates
from training.studies.simulation.truth import (
    human_slates,
    ideal_order,
    inclusion_probabilities,
    pad,
    policy_value,
    relevance,
    slate_value,
)

FAR = 4.0
"""Bound of a deviation in standard errors; the draws are seeded, so the tests are deterministic."""


@pytest.fixture(scope="module", params=CLICK_MODELS)
def config(request):
    return ShopConfig(
        users=3000, items=500, seed=5, slate=(8, 12), click_model=request.param, bias=0.8, trust=0.1
    )


@pytest.fixture(scope="module")
def shop(config):
    return Shop.draw(config, 4)


@pytest.fixture(scope="module")
def log(shop):
    return Slates.concatenate(shop.slates())


def deviation(log, outcome, expected, selected):
    """Return the deviation of an outcome in standard errors, clustered by slate."""
    per_slate = np.bincount(log.row[selected], (outcome - expected)[selected], minlength=len(log))
    return per_slate.sum() / np.sqrt((per_slate**2).sum())


def test_simulation_agrees_with_a_plain_loop(config):
    check(ShopConfig(users=50, items=90, click_model=config.click_model, bias=1.0, trust=0.2), 40)


@pytest.mark.parametrize("position", [1, 2, 4, 8])
def test_examination_and_click_rates_by_position_match_the_truth(log, position):
    selected = log.position == position

    assert abs(deviation(log, log.clicked, log.click_probability, selected)) < FAR
    if position > 1:
        assert abs(deviation(log, log.examined, log.examination, selected)) < FAR


def test_click_rates_by_probability_match_the_truth(log):
    bounds = np.quantile(log.click_probability, [0, 0.5, 0.9, 1])

    for low, high in pairwise(bounds):
        within = (low <= log.click_probability) & (log.click_probability < high)
        assert abs(deviation(log, log.clicked, log.click_probability, within)) < FAR


def test_click_rate_of_examined_items_is_attraction_plus_trust_bias(log):
    expected = log.attraction + (1 - log.attraction) * 0.1 / log.position

    assert abs(deviation(log, log.clicked, expected, log.examined)) < FAR
    assert not log.clicked[~log.examined].any()


def test_relevance_equals_the_attraction_of_the_log(shop, log):
    relevances = [relevance(day, slates) for day, slates in human_slates(shop)]

    np.testing.assert_allclose(np.concatenate(relevances), log.attraction, rtol=1e-12)


def test_value_of_logged_slates_is_the_sum_of_their_click_probabilities(shop):
    day, slates = next(human_slates(shop))
    items, shown = pad(slates, slates.item)

    value = slate_value(day, slates, items, shown)

    expected = np.add.reduceat(slates.click_probability, slates.offsets[:-1])
    np.testing.assert_allclose(value.clicks, expected, rtol=1e-9)


def test_ideal_order_has_the_highest_value(shop):
    day, slates = next(human_slates(shop))
    logged, shown = pad(slates, slates.item)
    ideal, _ = pad(slates, slates.item[ideal_order(slates)])
    value, best = (slate_value(day, slates, items, shown).clicks for items in (logged, ideal))

    # In "dbn", a user satisfied by the best item may leave before a second click.
    if shop.config.click_model != "dbn":
        assert (best >= value - 1e-9).all()
    assert best.mean() > 1.05 * value.mean()


@pytest.mark.parametrize("policy", ["weak", "strong", "random"])
def test_policy_value_matches_a_shop_that_logs_with_the_policy(config, policy):
    logging = replace(config, policy=policy, seed=9)
    log = Slates.concatenate(Shop.draw(logging, 2).slates())
    other = Shop.draw(replace(logging, policy="weak"), 2)

    for gains, outcome in (
        ((1.0, 0.0, 0.0), log.clicked),
        ((0.0, 1.0, 0.0), log.carted),
        ((0.0, 0.0, 1.0), log.ordered),
    ):
        value = policy_value(other, policy, gains=gains)
        per_slate = np.add.reduceat(outcome.astype(float), log.offsets[:-1])
        error = np.hypot(per_slate.std() / np.sqrt(per_slate.size), value.standard_error)
        assert value.slates == len(log)
        assert abs(per_slate.mean() - value.mean) < FAR * error


def test_personalized_policy_has_a_higher_value_than_unpersonalized_ones(config):
    shop = Shop.draw(config, 1)

    def personalized(day, users, intents, items):
        return day.attraction(users, np.full(users.size, -1), intents, items)

    personal, strong, weak = (
        policy_value(shop, policy, temperature=0.0).mean
        for policy in (personalized, "strong", "weak")
    )

    assert personal > strong > weak


def test_each_order_is_drawn_as_often_as_its_propensity():
    scores, draws = np.array([0.3, -1.0, 1.2, 0.0, -0.4]), 40_000
    chosen, propensity = gumbel_top_k(
        np.broadcast_to(scores, (draws, 5)),
        np.broadcast_to(np.arange(5), (draws, 5)),
        np.arange(draws, dtype=np.uint64),
        np.full(draws, 0.7),
        3,
    )
    propensities = {
        tuple(o): p for o, p in zip(chosen.tolist(), propensity.prod(axis=1), strict=True)
    }
    weights = np.exp(scores / 0.7)

    for order in permutations(range(5), 3):
        remaining = weights.sum() - np.concatenate([[0], np.cumsum(weights[list(order)])[:-1]])
        expected = np.prod(weights[list(order)] / remaining)
        count = (chosen == order).all(axis=1).sum()
        assert abs(count - draws * expected) < 5 * np.sqrt(draws * expected)
        assert propensities.get(order, expected) == pytest.approx(expected)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=3, max_size=9), st.floats(0.2, 5), st.data())
def test_inclusion_probabilities_sum_to_the_slate_size(scores, temperature, data):
    k = data.draw(st.integers(1, len(scores)))

    probabilities = inclusion_probabilities(np.array(scores), temperature, k)

    assert probabilities.sum() == pytest.approx(k, rel=0.01)
    assert (np.diff(probabilities[np.argsort(scores)]) > -1e-6).all()


def test_inclusion_probabilities_match_the_shown_shares():
    scores, draws = np.linspace(-2, 2, 8), 20_000
    chosen, _ = gumbel_top_k(
        np.broadcast_to(scores, (draws, 8)),
        np.broadcast_to(np.arange(8), (draws, 8)),
        np.arange(draws, dtype=np.uint64),
        np.ones(draws),
        3,
    )

    shown = np.bincount(chosen.ravel(), minlength=8) / draws

    np.testing.assert_allclose(shown, inclusion_probabilities(scores, 1.0, 3), atol=0.015)


def test_slate_order_is_reproducible_from_the_log(log):
    noisy = log.score + log.of_impressions("temperature") * gumbel(
        log.of_impressions("seed"), log.item
    )
    same_slate = np.diff(log.row) == 0

    assert (np.diff(noisy)[same_slate] <= 0).all()


def test_propensities_are_probabilities(log):
    first = log.position == 1

    assert ((log.propensity > 0) & (log.propensity <= 1)).all()
    # The mean of 1 / propensity is the number of candidates that could be drawn.
    pools = 1 / log.propensity[first]
    assert abs(pools.mean() - 64) < FAR * pools.std() / np.sqrt(pools.size)
