"""Logarithms that features subtract from each other."""

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context.request_context import Floats


def rounded_log(values: npt.ArrayLike) -> Floats:
    """Return natural logarithms, rounded to float32.

    The last bit of numpy's log depends on the vector unit of the processor.  A feature that is one
    logarithm loses this bit in float32, but it dominates the difference of two close logarithms.

    >>> float(rounded_log(1.0))
    0.0
    """
    return np.log(values).astype(np.float32).astype(np.float64)
