"""Simulated units of experiments: returning users whose taste for the shop differs."""

import numpy as np

from training.experiment_analysis.metrics import Metric
from training.experiment_analysis.moments import UNITS, Moments

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
    ("slate_clicks_before", "impressions_before"),
)
REVENUE = Metric("revenue", "revenue", "revenue", covariate=("revenue_before", UNITS))
CONVERSION = Metric("conversion", "conversion", "has_order", covariate=("has_order_before", UNITS))
ORDERS = Metric("orders", "orders", "orders", covariate=("orders_before", UNITS))
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
