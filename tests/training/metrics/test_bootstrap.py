"""Intervals cover the truth at their level, and resampling draws whole users."""

from dataclasses import astuple

import numpy as np
import pytest

from training.metrics import mean_interval, mean_intervals, slice_intervals
from training.metrics.bootstrap import DRAWS


def test_the_interval_contains_the_mean_and_is_deterministic():
    values = np.random.default_rng(1).random(300)

    interval = mean_interval(values, np.arange(300))

    assert interval.low < interval.value < interval.high
    assert interval.value == values.mean()
    assert interval == mean_interval(values, np.arange(300))


def test_slates_of_one_user_count_as_one_observation():
    values = np.repeat(np.random.default_rng(1).random(30), 10)

    alone = mean_interval(values, np.arange(300))
    together = mean_interval(values, np.repeat(np.arange(30), 10))

    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_the_truth_at_its_level():
    rng = np.random.default_rng(4)
    intervals = [mean_interval(rng.normal(size=60), np.arange(60), draws=300) for _ in range(200)]

    covered = np.mean([interval.low < 0 < interval.high for interval in intervals])

    assert 0.88 < covered <= 1


def test_slates_without_a_value_do_not_count():
    interval = mean_interval(np.array([1.0, np.nan, 1.0]), ["a", "b", "c"])

    assert (interval.value, interval.low, interval.high) == (1, 1, 1)
    assert interval.excludes_zero


def test_without_values_there_is_no_interval():
    interval = mean_interval(np.array([np.nan]), ["a"])

    assert np.isnan(interval.value)
    assert not interval.excludes_zero


def test_several_means_have_the_same_intervals_as_single_ones():
    rng = np.random.default_rng(3)
    users = rng.integers(40, size=200)
    values = {"a": rng.random(200), "b": rng.random(200)}
    values["c"] = np.where(rng.random(200) < 0.3, np.nan, values["a"])

    together = mean_intervals(values, users)

    for name, column in values.items():
        assert astuple(together[name]) == pytest.approx(astuple(mean_interval(column, users)))


def test_the_interval_equals_a_bootstrap_that_draws_users_one_by_one():
    rng = np.random.default_rng(9)
    users, values = rng.integers(25, size=120), rng.random(120)
    slates_of = [values[users == user] for user in np.unique(users)]
    drawing = np.random.default_rng(11)

    means = [
        np.concatenate([slates_of[n] for n in drawing.integers(25, size=25)]).mean()
        for _ in range(DRAWS)
    ]

    interval = mean_interval(values, users)
    np.testing.assert_allclose(
        [interval.low, interval.high], np.quantile(means, [0.025, 0.975]), atol=1e-12
    )


def test_a_slice_of_fewer_than_thirty_users_has_a_mean_and_no_interval():
    values, users = np.arange(58.0), np.repeat(np.arange(29), 2)

    few = slice_intervals({"value": values}, users)["value"]
    enough = slice_intervals({"value": np.r_[values, 58.0]}, np.r_[users, 29])["value"]

    assert (few.value, np.isnan(few.low), np.isnan(few.high)) == (values.mean(), True, True)
    assert enough == mean_interval(np.r_[values, 58.0], np.r_[users, 29])
    assert slice_intervals({"value": np.r_[values, np.nan]}, np.r_[users, 29])["value"] == few
