"""Differences of ratios: error rates, coverage, CUPED, and agreement with tea-tasting."""

import numpy as np
import pytest
import tea_tasting
import tea_tasting.aggr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from tests.training.experiment_analysis.simulated_units import (
    COLUMNS,
    METRICS,
    ORDERS,
    RATE,
    REVENUE,
    batched,
    moments,
    simulated_units,
    true_orders,
    true_rate,
)
from training.experiment_analysis.difference import difference, interval
from training.experiment_analysis.moments import Moments
from training.experiment_analysis.sequence import sequence_half_width

TESTS = 2_000
UNITS = 800
BATCHES = 20
PEEKS = 50


@pytest.fixture(scope="module")
def same():
    """Control and treatment of 2,000 tests without a difference."""
    rng = np.random.default_rng(20)
    shape = (TESTS // BATCHES, UNITS // 2)
    return batched(rng, BATCHES, shape), batched(rng, BATCHES, shape)


@pytest.mark.parametrize("adjust", [False, True], ids=["plain", "cuped"])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_four_to_six_percent_of_tests_without_a_difference_are_significant(same, metric, adjust):
    result = difference(*same, metric, adjust=adjust)

    assert 0.04 <= np.mean(result.p_value < 0.05) <= 0.06


@pytest.fixture(scope="module")
def peeks():
    """The same tests, looked at 50 times while units come."""
    rng = np.random.default_rng(21)
    shape = (TESTS // BATCHES, PEEKS, UNITS // PEEKS)
    return [batched(rng, BATCHES, shape).cumulative(axis=1) for _ in range(2)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_fifty_looks_at_a_confidence_sequence_find_at_most_five_percent(peeks, metric):
    result = difference(*peeks, metric)
    width = sequence_half_width(result.error, result.units, tuned_units=UNITS)
    sequence = np.any(np.abs(result.difference) > width, axis=1)
    repeated = np.any(result.p_value < 0.05, axis=1)

    assert np.mean(sequence) <= 0.05
    assert np.mean(repeated) > 0.2  # Looking 50 times at the p-value of a fixed horizon.


@pytest.mark.parametrize("adjust", [False, True], ids=["plain", "cuped"])
@pytest.mark.parametrize(("metric", "truth"), [(RATE, true_rate), (ORDERS, true_orders)])
def test_intervals_contain_an_injected_lift_as_often_as_they_say(metric, truth, adjust):
    rng, lift = np.random.default_rng(22), 0.1
    shape = (1_000 // BATCHES, UNITS // 2)
    arms = batched(rng, BATCHES, shape), batched(rng, BATCHES, shape, lift)

    result = difference(*arms, metric, adjust=adjust)
    absolute = interval(result.difference, result.error)
    relative = interval(result.relative, result.relative_error)

    assert 0.93 <= _coverage(absolute, truth(lift) - truth()) <= 0.97
    assert 0.93 <= _coverage(relative, lift) <= 0.97


def test_cuped_halves_the_variance_for_returning_users(same):
    ratios = {m.name: float(np.median(difference(*same, m).variance_ratio)) for m in METRICS}

    print(f"variance with CUPED / without, median of {TESTS} tests: {ratios}")
    assert ratios["rate"] < 0.5


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@settings(max_examples=examples(25))
@given(seed=st.integers(0, 2**32))
def test_differences_agree_with_tea_tasting(metric, seed):
    rng = np.random.default_rng(seed)
    control, treatment = (simulated_units(rng, 300, lift) for lift in (0.0, 0.2))
    reference = tea_tasting.metrics.RatioOfMeans(
        metric.numerator,
        None if metric.denominator == "units" else metric.denominator,
        use_t=False,
        equal_var=False,
    ).analyze_aggregates(_aggregates(control), _aggregates(treatment))

    result = difference(
        Moments.of(COLUMNS, control), Moments.of(COLUMNS, treatment), metric, adjust=False
    )
    low, high = interval(result.difference, result.error)

    assert result.difference == pytest.approx(reference.effect_size)
    assert low == pytest.approx(reference.effect_size_ci_lower)
    assert high == pytest.approx(reference.effect_size_ci_upper)
    assert result.p_value == pytest.approx(reference.pvalue, rel=1e-6)


def test_adjusted_difference_equals_that_of_adjusted_units():
    rng = np.random.default_rng(24)
    arms = [simulated_units(rng, 500, lift) for lift in (0.0, 0.1)]
    after, before = COLUMNS.index("revenue"), COLUMNS.index("revenue_before")
    covariances = [np.cov(arm[:, after], arm[:, before]) for arm in arms]
    slope = sum(c[0, 1] for c in covariances) / sum(c[1, 1] for c in covariances)
    mean = np.concatenate(arms)[:, before].mean()
    adjusted = [arm[:, after] - slope * (arm[:, before] - mean) for arm in arms]

    result = difference(*(Moments.of(COLUMNS, arm) for arm in arms), REVENUE)

    assert result.control == pytest.approx(adjusted[0].mean())
    assert result.treatment == pytest.approx(adjusted[1].mean())
    assert result.error**2 == pytest.approx(sum(a.var(ddof=1) / len(a) for a in adjusted))


def test_sums_of_parts_are_the_sum_of_all():
    units = simulated_units(np.random.default_rng(23), 90)

    parts = Moments.of(COLUMNS, units[:40]) + Moments.of(COLUMNS, units[40:])

    whole = Moments.of(COLUMNS, units)
    np.testing.assert_allclose(parts.sums, whole.sums)
    np.testing.assert_allclose(parts.covariance(), whole.covariance())


def test_nothing_to_compare_has_no_difference():
    empty = moments(np.random.default_rng(0), (0,))

    result = difference(empty, empty, RATE)

    assert np.isnan([result.difference, result.error, result.relative, result.p_value]).all()


def _coverage(ends, truth):
    low, high = ends
    return np.mean((low <= truth) & (truth <= high))


def _aggregates(units):
    named = dict(zip(COLUMNS, units.T, strict=True))
    return tea_tasting.aggr.Aggregates(
        count_=len(units),
        mean_={name: column.mean() for name, column in named.items()},
        var_={name: column.var(ddof=1) for name, column in named.items()},
        cov_={
            (one, other): np.cov(named[one], named[other])[0, 1]
            for one in named
            for other in named
            if one < other
        },
    )
