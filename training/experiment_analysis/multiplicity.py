"""P-values of many metrics, adjusted for their number."""

import numpy as np
import scipy.stats

from training.experiment_analysis.moments import Floats


def holm(p_values: Floats) -> Floats:
    """Adjust N p-values so that any false positive is rare (Holm 1979); NaN stays NaN."""
    adjusted = np.full_like(p_values, np.nan)
    rows = np.flatnonzero(np.isfinite(p_values))
    order = rows[np.argsort(p_values[rows])]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def false_discovery(p_values: Floats) -> Floats:
    """Adjust N p-values so that few positives are false (Benjamini-Hochberg); NaN stays NaN."""
    adjusted = np.full_like(p_values, np.nan)
    rows = np.flatnonzero(np.isfinite(p_values))
    if len(rows):
        adjusted[rows] = scipy.stats.false_discovery_control(p_values[rows])
    return adjusted
