"""Differences of ratios: error rates, coverage, CUPED, and agreement with tea-tasting."""

from dataclasses import replace

import numpy as np
import pytest
import tea_tasting
import tea_tasting.aggr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from tests.training.experiment_analysis.simulated_units import (
    COLUMNS,
    CONVERSION,
    LIFT,
    METRICS,
    ORDERS,
    RATE,
    REVENUE,
    TESTS,
    coverage,
    lifted_tests,
    moments,
    peeked_tests,
    same_tests,
    simulated_units,
    true_orders,
    true_rate,
    wrong_sequences,
)
from training.experiment_analysis.difference import difference, interval
from training.experiment_analysis.moments import Moments


@pytest.fixture(scope="module")
def same():
    return same_tests(20)


@pytest.mark.parametrize("adjust", [False, True], ids=["plain", "cuped"])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_four_to_six_percent_of_tests_without_a_difference_are_significant(same, metric, adjust):
    result = difference(*same, metric, adjust=adjust)

    assert 0.04 <= np.mean(result.p_value < 0.05) <= 0.06


@pytest.fixture(scope="module")
def peeks():
    return peeked_tests(21)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_fifty_looks_at_a_confidence_sequence_find_at_most_five_percent(peeks, metric):
    sequence, repeated = wrong_sequences(peeks, metric)

    assert np.mean(sequence) <= 0.05
    assert np.mean(repeated) > 0.2  # Looking 50 times at the p-value of a fixed horizon.


@pytest.mark.parametrize("adjust", [False, True], ids=["plain", "cuped"])
@pytest.mark.parametrize(("metric", "truth"), [(RATE, true_rate), (ORDERS, true_orders)])
def test_intervals_contain_an_injected_lift_as_often_as_they_say(metric, truth, adjust):
    result = difference(*lifted_tests(22), metric, adjust=adjust)
    absolute = interval(result.difference, result.error)
    relative = interval(result.relative, result.relative_error)

    assert 0.93 <= coverage(absolute, truth(LIFT) - truth()) <= 0.97
    assert 0.93 <= coverage(relative, LIFT) <= 0.97


def test_cuped_halves_the_variance_for_returning_users(same):
    ratios = {m.name: float(np.median(difference(*same, m).variance_ratio)) for m in METRICS}

    print(f"variance with CUPED / without, median of {TESTS} tests: {ratios}")
    assert ratios["rate"] < 0.5
    assert ratios["orders"] < 0.7


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
    after = COLUMNS.index("revenue")
    before = [COLUMNS.index(name) for name, _ in REVENUE.covariates]
    covariances = [np.cov(arm[:, [after, *before]].T) for arm in arms]
    total = sum(covariances)
    slope = np.linalg.solve(total[1:, 1:], total[1:, 0])
    mean = np.concatenate(arms)[:, before].mean(axis=0)
    adjusted = [arm[:, after] - (arm[:, before] - mean) @ slope for arm in arms]

    result = difference(*(Moments.of(COLUMNS, arm) for arm in arms), REVENUE)

    assert result.control == pytest.approx(adjusted[0].mean())
    assert result.treatment == pytest.approx(adjusted[1].mean())
    assert result.error**2 == pytest.approx(sum(a.var(ddof=1) / len(a) for a in adjusted))


def test_covariates_that_say_the_same_or_nothing_change_nothing():
    rng = np.random.default_rng(25)
    arms = [simulated_units(rng, 500, lift) for lift in (0.0, 0.1)]
    for arm in arms:
        arm[:, COLUMNS.index("has_order_before")] = 2 * arm[:, COLUMNS.index("orders_before")]
        arm[:, COLUMNS.index("revenue_before")] = 1.0
    more = replace(
        ORDERS, covariates=(*ORDERS.covariates, *REVENUE.covariates, *CONVERSION.covariates)
    )

    few, many = (
        difference(*(Moments.of(COLUMNS, arm) for arm in arms), metric) for metric in (ORDERS, more)
    )

    assert many.difference == pytest.approx(few.difference)
    assert many.error == pytest.approx(few.error)


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
