"""Simulated units of experiments: returning users whose taste for the shop differs."""

import numpy as np

from training.experiment_analysis.difference import difference
from training.experiment_analysis.metrics import BEHAVIOUR, Metric
from training.experiment_analysis.moments import UNITS, Moments
from training.experiment_analysis.sequence import sequence_half_width

COLUMNS = (
    "impressions",
    "slate_clicks",
    "orders",
    "revenue",
    "has_order",
    "impressions_before",
    "slate_clicks_before",
    "orders_before",
    "revenue_before",
    "has_order_before",
)

RATE = Metric(
    "rate",
    "click rate",
    "slate_clicks",
    "impressions",
    (("slate_clicks_before", "impressions_before"),),
)
REVENUE = Metric(
    "revenue", "revenue", "revenue", covariates=(("revenue_before", UNITS), *BEHAVIOUR)
)
CONVERSION = Metric(
    "conversion", "conversion", "has_order", covariates=(("has_order_before", UNITS), *BEHAVIOUR)
)
ORDERS = Metric("orders", "orders", "orders", covariates=BEHAVIOUR)
METRICS = (RATE, REVENUE, CONVERSION, ORDERS)


def simulated_units(rng, shape, lift=0.0):
    """Return units of shape (*shape, columns); `lift` multiplies click rate and orders."""
    activity = rng.gamma(2.0, 1.0, shape)
    taste = rng.beta(2.0, 6.0, shape)
    before = _visit(rng, activity, taste, 1.0)
    after = _visit(rng, activity, taste, 1.0 + lift)
    return np.stack([*after, *before], axis=-1)


def true_rate(lift=0.0):
    """Expected clicks per impression; taste does not depend on activity."""
    return 0.25 * (1 + lift)


def true_orders(lift=0.0):
    """Expected orders per unit."""
    return 1.2 * 2.0 * 0.25 * (1 + lift)


def _visit(rng, activity, taste, factor):
    impressions = 1.0 + rng.poisson(10 * activity)
    clicks = rng.binomial(impressions.astype(int), np.minimum(taste * factor, 1)).astype(float)
    orders = rng.poisson(1.2 * activity * taste * factor).astype(float)
    revenue = orders * 20 * rng.gamma(4.0, 0.25, activity.shape)
    return impressions, clicks, orders, revenue, (orders > 0).astype(float)


def moments(rng, shape, lift=0.0):
    """Return the moments of simulated units; the last axis of the shape is summed."""
    return Moments.of(COLUMNS, simulated_units(rng, shape, lift))


def batched(rng, batches, shape, lift=0.0):
    """Return moments of `batches` times the first axis of the shape, with one batch in memory."""
    parts = [moments(rng, shape, lift) for _ in range(batches)]
    return Moments(
        parts[0].columns,
        np.concatenate([part.sums for part in parts]),
        np.concatenate([part.products for part in parts]),
    )


TESTS, UNITS_OF_A_TEST, BATCHES, PEEKS = 2_000, 800, 20, 50
"""Simulated tests, the units of both variants in each, tests in memory at once, and looks."""

LIFTED_TESTS, LIFT = 1_000, 0.1


def same_tests(seed):
    """Return control and treatment of 2,000 tests without a difference."""
    rng, shape = np.random.default_rng(seed), (TESTS // BATCHES, UNITS_OF_A_TEST // 2)
    return batched(rng, BATCHES, shape), batched(rng, BATCHES, shape)


def peeked_tests(seed):
    """Return 2,000 tests at 50 looks each, by the units of both; shape (tests, looks)."""
    rng = np.random.default_rng(seed)
    shape = (TESTS // BATCHES, PEEKS, UNITS_OF_A_TEST // PEEKS)
    return [batched(rng, BATCHES, shape).cumulative(axis=1) for _ in range(2)]


def lifted_tests(seed):
    """Return control and treatment of 1,000 tests with a lift of a tenth."""
    rng, shape = np.random.default_rng(seed), (LIFTED_TESTS // BATCHES, UNITS_OF_A_TEST // 2)
    return batched(rng, BATCHES, shape), batched(rng, BATCHES, shape, LIFT)


def wrong_sequences(peeks, metric):
    """Return the tests whose sequence excludes zero at any look, and whose p-value is small."""
    result = difference(*peeks, metric)
    width = sequence_half_width(result.error, result.units, tuned_units=UNITS_OF_A_TEST)
    sequence = np.any(np.abs(result.difference) > width, axis=1)
    return sequence, np.any(result.p_value < 0.05, axis=1)


def coverage(ends, truth):
    """Return the share of intervals that contain the truth."""
    low, high = ends
    return float(np.mean((low <= truth) & (truth <= high)))
