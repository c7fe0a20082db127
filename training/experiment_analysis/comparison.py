"""One variant compared with the control: every metric, and parts of the primary one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.stats

from training.experiment_analysis.decision import DecisionRule, Gain, Verdict, decide
from training.experiment_analysis.difference import Difference, difference, interval
from training.experiment_analysis.metrics import METRICS, Metric
from training.experiment_analysis.moments import Moments
from training.experiment_analysis.multiplicity import false_discovery, holm
from training.experiment_analysis.power import smallest_effect
from training.experiment_analysis.sequence import sequence_half_width

LEVEL = 0.95

_SEGMENT_UNITS = 100
"""A segment with fewer units of a variant has no interval: the normal distribution is not close."""

_TREND_DAYS = 4
"""Fewer days show no trend."""


@dataclass(frozen=True)
class Change:
    """Treatment minus control of one metric, with intervals.

    Attributes:
        value: share of the control, or percentage points / 100 of a share of failures.
        low, high: ends of the interval of a fixed horizon; read them once.
        always_low, always_high: ends of the confidence sequence; read them at any time.
        error: standard error of `value`.
    """

    value: float
    low: float
    high: float
    always_low: float
    always_high: float
    error: float

    @classmethod
    def of(cls, result: Difference, metric: Metric, level: float, tuned_units: float) -> "Change":
        """Read the change of one pair of groups."""
        value = result.difference if metric.is_failure else result.relative
        error = result.error if metric.is_failure else result.relative_error
        low, high = interval(value, error, level)
        half = sequence_half_width(error, result.units, level, tuned_units)
        ends = (value, low, high, value - half, value + half, error)
        return cls(*(float(number) for number in ends))

    def gain(self, metric: Metric) -> Gain:
        """Return the change with the sign of an improvement, by the confidence sequence."""
        if metric.is_lower_better:
            return Gain(-self.value, -self.always_high, -self.always_low)
        return Gain(self.value, self.always_low, self.always_high)


@dataclass(frozen=True)
class Comparison:
    """A variant against the control.

    Attributes:
        metrics: by metric: values, change, p-values (also adjusted over the secondary metrics), and
            the variance with CUPED over that without.
        smallest_effect: the share of the control that the primary metric finds with 80 % power now.
    """

    variant: str
    verdict: Verdict
    metrics: Mapping[str, Mapping[str, Any]]
    smallest_effect: float

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON shows."""
        return asdict(self)


def compare(
    variant: str,
    control: Moments,
    treatment: Moments,
    rule: DecisionRule,
    *,
    treatments: int = 1,
    has_ended: bool = False,
) -> Comparison:
    """Compare two groups of units by every metric and decide.

    Args:
        treatments: variants that are compared with the control; each verdict is stricter by it.
    """
    results = {metric.name: difference(control, treatment, metric) for metric in METRICS.values()}
    level = 1 - (1 - LEVEL) / treatments
    changes = {
        name: Change.of(result, METRICS[name], level, rule.units)
        for name, result in results.items()
    }
    p_values = {name: float(result.p_value) for name, result in results.items()}
    secondary = [name for name in METRICS if name != rule.metric.name]
    families = np.array([p_values[name] for name in secondary])
    adjusted_holm = dict(zip(secondary, holm(families).tolist(), strict=True))
    adjusted_fdr = dict(zip(secondary, false_discovery(families).tolist(), strict=True))
    verdict = decide(
        rule,
        changes[rule.metric.name].gain(rule.metric),
        {name: changes[name].gain(METRICS[name]) for name in rule.guardrails},
        has_ended=has_ended,
    )
    return Comparison(
        variant,
        verdict,
        {
            name: {
                "title": METRICS[name].title,
                "control": float(result.control),
                "treatment": float(result.treatment),
                "change": asdict(changes[name]),
                "p_value": p_values[name],
                "holm": adjusted_holm.get(name),
                "false_discovery": adjusted_fdr.get(name),
                "variance_ratio": float(result.variance_ratio),
            }
            for name, result in results.items()
        },
        smallest_effect(changes[rule.metric.name].error),
    )


def part_change(control: Moments, treatment: Moments, metric: Metric) -> dict[str, Any]:
    """Return the change in a part of the units, without an interval if they are few."""
    adjust = {*metric.before} <= {*control.columns}
    result = difference(control, treatment, metric, adjust=adjust)
    counts = {"control": int(control.count), "treatment": int(treatment.count)}
    if min(counts.values()) < _SEGMENT_UNITS:
        return {"units": counts, "change": None}
    change = Change.of(result, metric, LEVEL, float(result.units))
    return {"units": counts, "change": asdict(change)}


def trend(days: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the slope of the change over days, weighted by precision, and its p-value.

    An effect that falls may be a novelty; one that rises, shoppers who learn.  None for fewer than
    four days with a change.
    """
    changes = [day["change"] for day in days.values()]
    rows = [n for n, change in enumerate(changes) if change is not None and change["error"] > 0]
    if len(rows) < _TREND_DAYS:
        return None
    at = np.array(rows, dtype=np.float64)
    values = np.array([changes[n]["value"] for n in rows])
    weights = np.array([changes[n]["error"] ** -2.0 for n in rows])
    centred = at - np.average(at, weights=weights)
    spread = np.sum(weights * centred**2)
    slope = float(np.sum(weights * centred * values) / spread)
    return {"per_day": slope, "p_value": float(2 * scipy.stats.norm.sf(abs(slope) * spread**0.5))}
