"""Sample-ratio mismatches, many metrics, and the power of a plan."""

import numpy as np
import pytest
import scipy.stats
import tea_tasting
import tea_tasting.aggr
from hypothesis import given
from hypothesis import strategies as st

from tests.training.experiment_analysis.simulated_units import (
    CONVERSION,
    moments,
    simulated_units,
)
from training.experiment_analysis.difference import difference
from training.experiment_analysis.multiplicity import false_discovery, holm
from training.experiment_analysis.power import smallest_effect, units_needed
from training.experiment_analysis.sample_ratio import MISMATCH_P, sample_ratio_p
from training.experiment_analysis.sequence import sequence_half_width

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


def test_a_mismatch_of_one_point_in_200000_units_is_detected():
    control = np.random.default_rng(1).binomial(200_000, 0.49, size=500)

    detected = [_is_mismatch(n) for n in control]

    assert np.mean(detected) >= 0.99


def test_at_most_one_in_a_thousand_equal_splits_is_a_false_alarm():
    control = np.random.default_rng(2).binomial(200_000, 0.5, size=20_000)
    p = scipy.stats.chisquare([control, 200_000 - control], axis=0).pvalue
    doubtful = control[p < 2 * MISMATCH_P]

    false_alarms = sum(_is_mismatch(n) for n in doubtful)

    assert false_alarms / len(control) <= MISMATCH_P


def test_sample_ratio_compares_with_the_weights():
    assert sample_ratio_p([9_000, 1_000], [0.9, 0.1]) == pytest.approx(1.0)
    assert sample_ratio_p([5_000, 5_000], [0.9, 0.1]) < MISMATCH_P
    assert sample_ratio_p([900, 100, 0], [9, 1, 0]) == pytest.approx(1.0)
    assert sample_ratio_p([0, 0], [1, 1]) == 1.0


@given(P_VALUES)
def test_adjusted_p_values_agree_with_their_definitions(p_values):
    order = np.argsort(p_values, kind="stable")
    n = len(p_values)
    stepped = {
        row: min(1, max(p_values[other] * (n - rank) for rank, other in enumerate(order[: at + 1])))
        for at, row in enumerate(order)
    }
    discovered = {
        row: min(p_values[other] * n / (rank + 1) for rank, other in enumerate(order) if rank >= at)
        for at, row in enumerate(order)
    }

    assert holm(p_values) == pytest.approx([stepped[row] for row in range(n)])
    assert false_discovery(p_values) == pytest.approx([min(1, discovered[r]) for r in range(n)])


def test_a_metric_without_a_value_does_not_count_among_the_metrics():
    assert holm(np.array([0.01, np.nan])) == pytest.approx([0.01, np.nan], nan_ok=True)
    assert false_discovery(np.array([np.nan, 0.01])) == pytest.approx([np.nan, 0.01], nan_ok=True)


def test_planned_units_find_the_effect_as_often_as_planned():
    rng = np.random.default_rng(5)
    baseline = moments(rng, (200_000,))
    position = baseline.columns.index("has_order")
    variance = float(baseline.covariance()[position, position])
    lifted = simulated_units(rng, 200_000, 0.3)[:, position - 1].mean()
    effect = lifted - float(baseline.mean("has_order"))

    units = round(units_needed(variance, effect) / 2)
    arms = [moments(rng, (500, units), lift) for lift in (0.0, 0.3)]

    assert 0.75 <= np.mean(difference(*arms, CONVERSION, adjust=False).p_value < 0.05) <= 0.85


def test_planned_units_agree_with_tea_tasting():
    aggregates = tea_tasting.aggr.Aggregates(
        count_=1_000, mean_={"value": 2.0}, var_={"value": 9.0}, cov_={}
    )
    metric = tea_tasting.metrics.Mean("value", use_t=False, effect_size=0.25, power=0.8, alpha=0.05)

    reference = metric.solve_power_from_aggregates(aggregates, "n_obs")[0].n_obs

    assert units_needed(9.0, 0.25) == pytest.approx(reference, rel=1e-3)
    assert smallest_effect(np.sqrt(9.0 * 4 / reference)) == pytest.approx(0.25, rel=1e-3)


def test_a_confidence_sequence_is_narrowest_at_the_units_it_is_tuned_for():
    units = np.array([1e2, 1e3, 1e4, 1e5, 1e6])

    widths = [sequence_half_width(np.ones(5), units, tuned_units=n) for n in units]

    assert np.argmin(widths, axis=0).tolist() == [0, 1, 2, 3, 4]
    assert widths[2][2] == pytest.approx(3.04, abs=0.01)
    assert np.isnan(sequence_half_width(np.array([np.nan]), np.array([0.0]))).all()


def _is_mismatch(control):
    return sample_ratio_p([control, 200_000 - control], [1, 1]) < MISMATCH_P
