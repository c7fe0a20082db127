"""How many units an experiment needs to find an effect."""

import scipy.stats

CONFIDENCE, POWER = 0.95, 0.8


def units_needed(
    variance: float,
    effect: float,
    share: float = 0.5,
    *,
    power: float = POWER,
    confidence: float = CONFIDENCE,
) -> float:
    """Return the units of both variants that find an effect with a probability.

    Args:
        variance: of the metric over units: of its linearised value if it is a ratio.
        effect: absolute difference of the metric, not 0.
        share: of the treatment among both variants.
        power: probability that a two-sided test finds the effect.
        confidence: of that test.

    >>> round(units_needed(variance=0.05 * 0.95, effect=0.01))
    14913
    """
    distance = normal_distance(power=power, confidence=confidence)
    return float(distance**2 * variance * (1 / share + 1 / (1 - share)) / effect**2)


def smallest_effect(error: float, *, power: float = POWER, confidence: float = CONFIDENCE) -> float:
    """Return the effect that a comparison with a standard error finds with a probability."""
    return normal_distance(power=power, confidence=confidence) * error


def normal_distance(*, power: float = POWER, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors an effect needs to be found with a probability."""
    normal = scipy.stats.norm
    return float(normal.isf((1 - confidence) / 2) + normal.ppf(power))
