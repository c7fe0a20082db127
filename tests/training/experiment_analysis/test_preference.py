"""The sign test of an interleaving: false positives, exact intervals, and many looks."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from training.experiment_analysis.preference import (
    Preference,
    log_evidence,
    sequence_ends,
    sign_test,
)
from training.experiments import team_draft

TESTS, UNITS, PAGE, POOL = 2_000, 1_000, 6, 3_000
COUNTS = st.integers(0, 400)


def simulated_outcomes(rng, tests, units):
    """Return who won each unit of A/A tests, -1, 0 or 1, of shape (tests, units).

    Two rankings that differ at random are drafted, and shoppers click by position alone.  Each
    draft is also used with the rankers exchanged, so the pool of drafts is exactly fair.
    """
    sign = {None: 0, 0: -1, 1: 1}
    rankings = [
        (rng.permutation(PAGE).tolist(), rng.permutation(PAGE).tolist()) for _ in range(POOL)
    ]
    drafts = [team_draft(each, PAGE, seed) for seed, each in enumerate(rankings)]
    sides = np.array([[sign[side] for side in draft.sides] for draft in drafts], dtype=np.int8)
    outcomes = np.empty((tests, units), dtype=np.int8)
    for row in outcomes:
        pages, exchanged = sides[rng.integers(POOL, size=units)], rng.integers(2, size=units)
        clicks = rng.random((units, PAGE), dtype=np.float32) < 0.4 / np.arange(1, PAGE + 1)
        row[:] = np.sign((pages * clicks).sum(axis=1)) * (2 * exchanged - 1)
    return outcomes


@pytest.fixture(scope="module")
def outcomes():
    return simulated_outcomes(np.random.default_rng(4), TESTS, UNITS)


def test_about_five_in_a_hundred_tests_without_a_difference_are_significant(outcomes):
    wins, losses = (outcomes > 0).sum(axis=1), (outcomes < 0).sum(axis=1)

    assert 0.04 <= np.mean(sign_test(wins, losses) < 0.05) <= 0.06


def test_fifty_looks_at_the_sequence_are_wrong_in_at_most_five_in_a_hundred_tests(outcomes):
    looks = np.linspace(UNITS / 50, UNITS, 50).astype(int) - 1
    wins, losses = ((outcomes * sign > 0).cumsum(axis=1)[:, looks] for sign in (1, -1))

    evidence = log_evidence(wins, losses, 0.5)

    assert np.mean((evidence > np.log(20)).any(axis=1)) <= 0.05


@settings(max_examples=examples(50), deadline=None)
@given(COUNTS, COUNTS, st.floats(10, 1e5))
def test_the_sequence_contains_what_the_evidence_does_not_refute(wins, losses, tuned_units):
    if wins + losses == 0:
        return
    low, high = sequence_ends(wins, losses, tuned_units)

    shares = np.linspace(0.001, 0.999, 97)
    refuted = log_evidence(wins, losses, 0.5, tuned_units) > np.log(20)
    inside = [low <= share <= high for share in shares]
    stated = [log_evidence(wins, losses, share, tuned_units) <= np.log(20) for share in shares]
    assert inside == stated
    assert refuted == (not low <= 0.5 <= high)
    assert low <= wins / (wins + losses) <= high


def test_the_evidence_is_a_ratio_of_likelihoods():
    """Under the mixture, a sequence of wins and losses has the probability of Pólya's urn."""
    prior = 9.5
    urn = np.prod([(prior + n) / (2 * prior + n) for n in range(3)])
    urn *= np.prod([(prior + n) / (2 * prior + 3 + n) for n in range(2)])
    tuned = (-2 * np.log(0.05) + np.log(-2 * np.log(0.05)) + 1) * (2 * prior + 1)

    assert np.exp(log_evidence(3, 2, 0.5, tuned)) == pytest.approx(urn / 0.5**5)


@settings(max_examples=examples(50), deadline=None)
@given(COUNTS, COUNTS)
def test_intervals_are_those_of_clopper_and_pearson(wins, losses):
    preference = Preference.of(wins, losses)

    if wins + losses == 0:
        assert (preference.low, preference.high, preference.p_value) == (-1, 1, 1)
        return
    low = scipy.stats.beta.ppf(0.025, wins, losses + 1) if wins else 0.0
    high = scipy.stats.beta.isf(0.025, wins + 1, losses) if losses else 1.0
    assert preference.p_value == pytest.approx(scipy.stats.binomtest(wins, wins + losses).pvalue)
    assert preference.low == pytest.approx(2 * low - 1)
    assert preference.high == pytest.approx(2 * high - 1)
    assert preference.always_low <= preference.value <= preference.always_high


def test_the_sequence_refutes_a_fair_coin_earliest_at_the_units_it_is_tuned_for():
    decided = 1_000

    def smallest_surplus(tuned_units):
        wins = np.arange(decided // 2, decided)
        evidence = log_evidence(wins, decided - wins, 0.5, tuned_units)
        return 2 * wins[np.argmax(evidence > np.log(20))] / decided - 1

    surpluses = {tuned: smallest_surplus(tuned) for tuned in (10, 100, 1_000, 10_000, 100_000)}

    assert min(surpluses, key=surpluses.get) == 1_000
    assert surpluses[1_000] == pytest.approx(1.55 * 1.96 / decided**0.5, rel=0.05)
