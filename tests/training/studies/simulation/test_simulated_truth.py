"""What the simulated shop says is true is what happens in it, under every click model."""

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
    ideal_order,
    inclusion,
    padded,
    people,
    policy_value,
    relevance,
    worth_of,
)

FAR = 4.0
"""Standard errors that chance does not reach in a test that always draws the same."""


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
    return Slates.joined(shop.slates())


def deviation(log, happened, expected, chosen):
    """By how many standard errors, clustered by slate, what happened is off."""
    per_slate = np.bincount(log.row[chosen], (happened - expected)[chosen], minlength=len(log))
    return per_slate.sum() / np.sqrt((per_slate**2).sum())


def test_arrays_and_a_plain_loop_of_the_model_agree(config):
    check(ShopConfig(users=50, items=90, click_model=config.click_model, bias=1.0, trust=0.2), 40)


@pytest.mark.parametrize("position", [1, 2, 4, 8])
def test_positions_are_examined_and_clicked_as_often_as_the_truth_says(log, position):
    here = log.position == position

    assert abs(deviation(log, log.clicked, log.click_probability, here)) < FAR
    if position > 1:
        assert abs(deviation(log, log.examined, log.examination, here)) < FAR


def test_likely_and_unlikely_clicks_come_as_often_as_the_truth_says(log):
    bounds = np.quantile(log.click_probability, [0, 0.5, 0.9, 1])

    for low, high in pairwise(bounds):
        within = (low <= log.click_probability) & (log.click_probability < high)
        assert abs(deviation(log, log.clicked, log.click_probability, within)) < FAR


def test_what_was_examined_is_clicked_by_attraction_and_trust(log):
    expected = log.attraction + (1 - log.attraction) * 0.1 / log.position

    assert abs(deviation(log, log.clicked, expected, log.examined)) < FAR
    assert not log.clicked[~log.examined].any()


def test_the_truth_of_what_was_shown_can_be_asked_again(shop, log):
    again = [relevance(day, slates) for day, slates in people(shop)]

    np.testing.assert_allclose(np.concatenate(again), log.attraction, rtol=1e-12)


def test_the_slates_shown_are_worth_their_click_probabilities(shop):
    day, slates = next(people(shop))
    items, there = padded(slates, slates.item)

    worth = worth_of(day, slates, items, there)

    expected = np.add.reduceat(slates.click_probability, slates.offsets[:-1])
    np.testing.assert_allclose(worth.clicks, expected, rtol=1e-9)


def test_the_ideal_order_is_worth_most(shop):
    day, slates = next(people(shop))
    shown, there = padded(slates, slates.item)
    ideal, _ = padded(slates, slates.item[ideal_order(slates)])
    shown_worth, best = (worth_of(day, slates, items, there).clicks for items in (shown, ideal))

    # A shopper of "dbn" who found the best at once may leave before a second click.
    if shop.config.click_model != "dbn":
        assert (best >= shown_worth - 1e-9).all()
    assert best.mean() > 1.05 * shown_worth.mean()


@pytest.mark.parametrize("policy", ["weak", "strong", "random"])
def test_a_policy_is_worth_what_a_shop_that_follows_it_gets(config, policy):
    follows = replace(config, policy=policy, seed=9)
    log = Slates.joined(Shop.draw(follows, 2).slates())
    asked = Shop.draw(replace(follows, policy="weak"), 2)

    for gains, got in (
        ((1.0, 0.0, 0.0), log.clicked),
        ((0.0, 1.0, 0.0), log.carted),
        ((0.0, 0.0, 1.0), log.ordered),
    ):
        value = policy_value(asked, policy, gains=gains)
        per_slate = np.add.reduceat(got.astype(float), log.offsets[:-1])
        error = np.hypot(per_slate.std() / np.sqrt(per_slate.size), value.standard_error)
        assert value.slates == len(log)
        assert abs(per_slate.mean() - value.mean) < FAR * error


def test_knowing_everybody_is_worth_more_than_knowing_nobody(config):
    shop = Shop.draw(config, 1)

    def knowing(day, users, intents, items):
        return day.attraction(users, np.full(users.size, -1), intents, items)

    known, strong, weak = (
        policy_value(shop, policy, temperature=0.0).mean for policy in (knowing, "strong", "weak")
    )

    assert known > strong > weak


def test_every_order_comes_with_its_propensity():
    scores, draws = np.array([0.3, -1.0, 1.2, 0.0, -0.4]), 40_000
    chosen, propensity = gumbel_top_k(
        np.broadcast_to(scores, (draws, 5)),
        np.broadcast_to(np.arange(5), (draws, 5)),
        np.arange(draws, dtype=np.uint64),
        np.full(draws, 0.7),
        3,
    )
    told = {tuple(o): p for o, p in zip(chosen.tolist(), propensity.prod(axis=1), strict=True)}
    weights = np.exp(scores / 0.7)

    for order in permutations(range(5), 3):
        left = weights.sum() - np.concatenate([[0], np.cumsum(weights[list(order)])[:-1]])
        expected = np.prod(weights[list(order)] / left)
        came = (chosen == order).all(axis=1).sum()
        assert abs(came - draws * expected) < 5 * np.sqrt(draws * expected)
        assert told.get(order, expected) == pytest.approx(expected)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=3, max_size=9), st.floats(0.2, 5), st.data())
def test_chances_of_being_shown_sum_to_the_size_of_the_slate(scores, temperature, data):
    k = data.draw(st.integers(1, len(scores)))

    chances = inclusion(np.array(scores), temperature, k)

    assert chances.sum() == pytest.approx(k, rel=0.01)
    assert (np.diff(chances[np.argsort(scores)]) > -1e-6).all()


def test_chances_of_being_shown_are_how_often_it_is():
    scores, draws = np.linspace(-2, 2, 8), 20_000
    chosen, _ = gumbel_top_k(
        np.broadcast_to(scores, (draws, 8)),
        np.broadcast_to(np.arange(8), (draws, 8)),
        np.arange(draws, dtype=np.uint64),
        np.ones(draws),
        3,
    )

    shown = np.bincount(chosen.ravel(), minlength=8) / draws

    np.testing.assert_allclose(shown, inclusion(scores, 1.0, 3), atol=0.015)


def test_a_slate_can_be_drawn_again_from_what_is_logged(log):
    noisy = log.score + log.of_impressions("temperature") * gumbel(
        log.of_impressions("seed"), log.item
    )
    same_slate = np.diff(log.row) == 0

    assert (np.diff(noisy)[same_slate] <= 0).all()


def test_propensities_are_shares(log):
    first = log.position == 1

    assert ((log.propensity > 0) & (log.propensity <= 1)).all()
    # The mean of 1 / propensity of a draw is the number of those that could be drawn.
    pools = 1 / log.propensity[first]
    assert abs(pools.mean() - 64) < FAR * pools.std() / np.sqrt(pools.size)
