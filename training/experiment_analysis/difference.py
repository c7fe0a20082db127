"""The difference of a metric between two variants, with its standard error.

A ratio of sums over units is linearised (delta method; Deng, Knoblich and Lu, KDD 2018): its
variance is that of (numerator - ratio * denominator) / mean denominator over units.  CUPED (Deng,
Xu, Kohavi and Walker, WSDM 2013) subtracts what the same measure before the first exposure
predicts.
"""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from training.experiment_analysis.metrics import Metric
from training.experiment_analysis.moments import Floats, Moments, divide


@dataclass(frozen=True)
class Difference:
    """Treatment minus control, of one or of many pairs of groups; arrays of the same shape.

    Attributes:
        control, treatment: values of the metric, adjusted if a covariate was used.
        error: standard error of `difference`.
        relative: difference / control.
        relative_error: standard error of `relative`.
        variance_ratio: variance with the covariate over the variance without; 1 without one.
        units: units of both groups.
    """

    control: Floats
    treatment: Floats
    error: Floats
    relative_error: Floats
    variance_ratio: Floats
    units: Floats

    @property
    def difference(self) -> Floats:
        """Treatment minus control, in units of the metric."""
        return self.treatment - self.control

    @property
    def relative(self) -> Floats:
        """Difference as a share of the control."""
        return divide(self.difference, self.control)

    @property
    def p_value(self) -> Floats:
        """Two-sided p-value of no difference, by the normal distribution."""
        p: Floats = 2 * scipy.stats.norm.sf(np.abs(divide(self.difference, self.error)))
        return p


def difference(
    control: Moments, treatment: Moments, metric: Metric, *, adjust: bool = True
) -> Difference:
    """Compare a metric between two groups of units, or between many pairs of groups.

    Args:
        adjust: use the metric's covariate, if it has one.
    """
    covariate = (metric.covariate if adjust else None) or ()
    columns = (metric.numerator, metric.denominator, *covariate)
    control, treatment = control.only(columns), treatment.only(columns)
    both = control + treatment
    # The linear form of the covariate is that of both groups, so its means differ only by chance.
    before = _linear_form(both, *covariate) if covariate else np.zeros_like(both.sums)
    one, other = (_Arm.of(group, metric, before) for group in (control, treatment))
    slope = np.nan_to_num(
        divide(one.joint + other.joint, one.before_variance + other.before_variance)
    )
    first, second = one.value - slope * one.before, other.value - slope * other.before
    variances = one.adjusted_variance(slope), other.adjusted_variance(slope)
    ratio = divide(second, first)
    return Difference(
        control=first,
        treatment=second,
        error=np.sqrt(variances[0] + variances[1]),
        relative_error=np.sqrt(divide(variances[1] + ratio**2 * variances[0], first**2)),
        variance_ratio=divide(variances[0] + variances[1], one.variance + other.variance),
        units=both.count,
    )


@dataclass(frozen=True)
class _Arm:
    """One group's ratio and its covariate, with the (co)variances of their means; shape (...)."""

    value: Floats
    variance: Floats
    before: Floats
    before_variance: Floats
    joint: Floats

    @classmethod
    def of(cls, group: Moments, metric: Metric, before: Floats) -> "_Arm":
        form = _linear_form(group, metric.numerator, metric.denominator)
        covariance = divide(group.covariance(), group.count[..., None, None])
        return cls(
            value=divide(group.sum(metric.numerator), group.sum(metric.denominator)),
            variance=_quadratic(form, covariance, form),
            before=np.nan_to_num(divide((before * group.sums).sum(axis=-1), group.count)),
            before_variance=np.nan_to_num(_quadratic(before, covariance, before)),
            joint=np.nan_to_num(_quadratic(form, covariance, before)),
        )

    def adjusted_variance(self, slope: Floats) -> Floats:
        return self.variance - 2 * slope * self.joint + slope**2 * self.before_variance


def interval(estimate: Floats, error: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends of the interval of a fixed horizon, by the normal distribution."""
    half = scipy.stats.norm.isf((1 - level) / 2) * error
    return estimate - half, estimate + half


def _linear_form(moments: Moments, numerator: str, denominator: str) -> Floats:
    """Return the weights of the columns in the linearised ratio, shape (..., K).

    The weighted sum of a unit's columns is (numerator - ratio * denominator) / mean denominator.
    """
    ratio = divide(moments.sum(numerator), moments.sum(denominator))
    form = np.zeros_like(moments.sums)
    mean = moments.mean(denominator)
    form[..., moments.columns.index(denominator)] -= divide(ratio, mean)
    form[..., moments.columns.index(numerator)] += divide(np.ones_like(mean), mean)
    return form


def _quadratic(left: Floats, matrix: Floats, right: Floats) -> Floats:
    """Return left' M right for each group, shape (...)."""
    value: Floats = np.einsum("...i,...ij,...j->...", left, matrix, right)
    return value
