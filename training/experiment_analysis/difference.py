"""The difference of a metric between two variants, with its standard error.

A ratio of sums over units is linearised (delta method; Deng, Knoblich and Lu, KDD 2018): its
variance is that of (numerator - ratio * denominator) / mean denominator over units.  CUPED (Deng,
Xu, Kohavi and Walker, WSDM 2013) subtracts what measures before the first exposure predict: a
linear function of P covariates, fitted on both groups together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from training.experiment_analysis.metrics import Metric
from training.experiment_analysis.moments import Floats, Moments, divide

_SAME = 1e-9
"""Part of the variance of covariates below which one says the same as the others."""


@dataclass(frozen=True)
class Difference:
    """Treatment minus control, of one or of many pairs of groups; arrays of the same shape.

    Attributes:
        control, treatment: values of the metric, adjusted if covariates were used.
        error: standard error of `difference`.
        relative: difference / control.
        relative_error: standard error of `relative`.
        variance_ratio: variance with covariates over the variance without; 1 without any.
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
        adjust: use the metric's covariates, if it has some.
    """
    covariates = metric.covariates if adjust else ()
    columns = (metric.numerator, metric.denominator, *(metric.before if adjust else ()))
    control, treatment = control.only(columns), treatment.only(columns)
    both = control + treatment
    # The linear forms of the covariates are those of both groups, so means differ only by chance.
    before = _linear_forms(both, covariates)
    one, other = (_Arm.of(group, metric, before) for group in (control, treatment))
    slope = _slope(one.before_covariance + other.before_covariance, one.joint + other.joint)
    first, second = (arm.value - (slope * arm.before).sum(axis=-1) for arm in (one, other))
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
    """One group's ratio and its P covariates, with the (co)variances of their means.

    Attributes:
        value, variance: shape (...).
        before, joint: means of the covariates, and their covariances with the ratio; (..., P).
        before_covariance: shape (..., P, P).
    """

    value: Floats
    variance: Floats
    before: Floats
    before_covariance: Floats
    joint: Floats

    @classmethod
    def of(cls, group: Moments, metric: Metric, before: Floats) -> "_Arm":
        form = _linear_form(group, metric.numerator, metric.denominator)
        covariance = divide(group.covariance(), group.count[..., None, None])
        mean = divide(group.sums, group.count[..., None])
        # NaN without units, where no covariate predicts anything.
        with_before = np.nan_to_num(before @ covariance)
        return cls(
            value=divide(group.sum(metric.numerator), group.sum(metric.denominator)),
            variance=np.einsum("...i,...ij,...j->...", form, covariance, form),
            before=np.nan_to_num(_vector(before, mean)),
            before_covariance=with_before @ np.swapaxes(np.nan_to_num(before), -1, -2),
            joint=_vector(with_before, np.nan_to_num(form)),
        )

    def adjusted_variance(self, slope: Floats) -> Floats:
        explained = _vector(self.before_covariance, slope) - 2 * self.joint
        adjusted: Floats = self.variance + (slope * explained).sum(axis=-1)
        return adjusted


def interval(estimate: Floats, error: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends of the interval of a fixed horizon, by the normal distribution."""
    half = scipy.stats.norm.isf((1 - level) / 2) * error
    return estimate - half, estimate + half


def _linear_forms(moments: Moments, ratios: Sequence[tuple[str, str]]) -> Floats:
    """Return the linear forms of P ratios, shape (..., P, K)."""
    forms = np.zeros((*moments.sums.shape[:-1], len(ratios), moments.sums.shape[-1]))
    for n, ratio in enumerate(ratios):
        forms[..., n, :] = _linear_form(moments, *ratio)
    return forms


def _slope(spread: Floats, joint: Floats) -> Floats:
    """Return the coefficients of P covariates, shape (..., P).

    Covariates without a variance, or that others determine, add nothing.
    """
    scale = np.sqrt(np.diagonal(spread, axis1=-2, axis2=-1))
    inverse = np.nan_to_num(divide(np.ones_like(scale), scale))
    correlations = spread * inverse[..., :, None] * inverse[..., None, :]
    solved = np.linalg.pinv(correlations, rcond=_SAME, hermitian=True).astype(np.float64)
    return inverse * _vector(solved, inverse * joint)


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


def _vector(matrix: Floats, vector: Floats) -> Floats:
    """Return M v for each group, shape (..., P)."""
    product: Floats = (matrix @ vector[..., None])[..., 0]
    return product
