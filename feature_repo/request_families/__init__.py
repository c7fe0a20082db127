"""Families of features that exist only at request time, one module each, all of one shape.

A family is a function `(facts, shop, prior) -> {column: values}`, where values has shape (N,) or is
one number for the whole slate.  It names the same columns in the same order whatever it is given.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[np.float64] | float]
