"""The logged propensity is the probability of the draw, and that of Thompson sampling."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.bandits import draw, win_probabilities, with_floor
from training.bandits.posterior import Beta, Normal

DRAWS = 400_000
RATES = st.floats(0.05, 1e5)
ARMS = st.lists(st.builds(Beta, RATES, RATES), min_size=2, max_size=5).map(tuple)


@pytest.mark.parametrize(
    "arms",
    [
        (Beta(1, 1), Beta(1, 1)),
        (Beta(3, 9), Beta(30, 70), Beta(2, 2)),
        (Beta(0.05, 3), Beta(0.5, 0.5), Beta(900, 100)),
        (Beta(10_000, 90_000), Beta(10_050, 89_950)),
        (Normal(0.2, 0.1), Normal(0.25, 0.02), Normal(-0.1, 0.4)),
    ],
    ids=["equal", "small", "skewed", "large", "normal"],
)
def test_win_probabilities_are_those_of_drawn_rates(arms):
    rng = np.random.default_rng(3)
    rates = [
        rng.beta(arm.alpha, arm.beta, DRAWS)
        if isinstance(arm, Beta)
        else rng.normal(arm.mean, arm.deviation, DRAWS)
        for arm in arms
    ]
    frequencies = np.bincount(np.argmax(rates, axis=0), minlength=len(arms)) / DRAWS

    computed = win_probabilities(arms)

    errors = np.sqrt(np.maximum(frequencies * (1 - frequencies), 1e-6) / DRAWS)
    assert np.abs(computed - frequencies).max() < 5 * errors.max() + 2e-3


@given(ARMS)
def test_win_probabilities_are_probabilities(arms):
    computed = win_probabilities(arms)

    assert min(computed) >= 0
    assert sum(computed) == pytest.approx(1)


@given(ARMS, st.floats(0, 1))
def test_a_floor_bounds_each_probability(arms, share):
    floor = share / len(arms)

    floored = with_floor(win_probabilities(arms), floor)

    assert min(floored) >= floor
    assert sum(floored) == pytest.approx(1)


def test_arms_are_drawn_with_their_probabilities():
    probabilities, size = [0.02, 0.68, 0.3], 20_000
    drawn = Counter(draw(probabilities, "banner", f"d{n}") for n in range(size))

    expected = [size * probability for probability in probabilities]
    distance = sum((drawn[n] - e) ** 2 / e for n, e in enumerate(expected))
    assert distance < 13.8  # chi-square of 2 degrees, p = .001
    assert draw([0.0, 1.0], "banner", "d") == 1


def test_a_draw_is_a_function_of_bandit_and_decision():
    draws = [[draw([0.5, 0.5], name, f"d{n}") for n in range(64)] for name in ("a", "a", "b")]

    assert draws[0] == draws[1] != draws[2]
