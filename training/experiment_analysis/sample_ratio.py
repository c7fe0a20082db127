"""The sample-ratio test: whether the variants have the numbers of units that the weights promise.

A variant that loses its units (a crash, a redirect, a lost event) compares other shoppers than its
control, so no figure of such an experiment means anything (Fabijan et al., KDD 2019).
"""

from collections.abc import Sequence

import numpy as np
import scipy.stats

MISMATCH_P = 0.001
"""Below this p-value a mismatch blocks the verdict."""


def sample_ratio_p(units: Sequence[float], weights: Sequence[float]) -> float:
    """Return the p-value of the chi-square test.

    Args:
        units: of each variant.
        weights: of each variant, of any sum; a variant of weight 0 is left out.
    """
    shares = np.asarray(weights, dtype=np.float64)
    counts = np.asarray(units, dtype=np.float64)[shares > 0]
    shares = shares[shares > 0] / shares.sum()
    if counts.sum() == 0 or len(counts) < 2:
        return 1.0
    return float(scipy.stats.chisquare(counts, counts.sum() * shares).pvalue)
