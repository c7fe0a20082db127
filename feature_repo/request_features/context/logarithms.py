"""Logarithms that features subtract from each other."""

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context.request_context import Floats


def rounded_log(values: npt.ArrayLike) -> Floats:
    """Natural logarithms, rounded to float32.

    The last bit of numpy's log depends on the vector unit of the processor.  A feature that is one
    logarithm loses this bit in float32, but the difference of two near logarithms is this bit.

    >>> float(rounded_log(1.0))
    0.0
    """
    return np.log(values).astype(np.float32).astype(np.float64)
