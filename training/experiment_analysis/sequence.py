"""A confidence sequence: an interval that may be read at any time and as often as wished.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Time-uniform
central limit theory and asymptotic confidence sequences, Annals of Statistics 2024, theorem 2.2):
the normal-mixture boundary of Robbins (1970) with an estimated variance.  With probability `level`
all intervals of an experiment contain the truth together, so the first that excludes zero decides.
"""

import numpy as np

from training.experiment_analysis.moments import Floats

TUNED_UNITS = 10_000
"""Units of both variants at which the sequence is narrowest, unless an experiment plans others."""


def sequence_half_width(
    error: Floats, units: Floats, level: float = 0.95, tuned_units: float = TUNED_UNITS
) -> Floats:
    """Return half the width of the interval at one look.

    Args:
        error: standard errors of the estimate.
        units: units of both variants so far, of the same shape.
        tuned_units: where the sequence is narrowest, 1.55 times the interval of a fixed horizon.
            At any other number it is wider and as valid: 1.8 times at a hundred times as many,
            4.4 times at a hundredth.
    """
    alpha = 1 - level
    scaled = np.asarray(units) * rho_squared(tuned_units, level)
    started = np.where(scaled > 0, scaled, np.nan)
    width: Floats = error * np.sqrt((1 + 1 / started) * np.log((started + 1) / alpha**2))
    return width


def rho_squared(tuned_units: float, level: float = 0.95) -> float:
    """Return the scale of the mixture that is narrowest at some units, by equation 79."""
    alpha = 1 - level
    return float((-2 * np.log(alpha) + np.log(-2 * np.log(alpha)) + 1) / tuned_units)
