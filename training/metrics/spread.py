"""Spread of a figure over several trainings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from feature_repo.home import SettingError

FEWEST_TRAININGS = 2


@dataclass(frozen=True)
class Spread:
    """A figure over several trainings; `deviation` is the sample standard deviation."""

    mean: float
    low: float
    high: float
    deviation: float

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready dict."""
        return asdict(self)


def spread_of(values: Sequence[float]) -> Spread:
    """Return mean, smallest, largest and deviation of two or more values.

    >>> spread_of([1.0, 3.0]).mean
    2.0
    """
    numbers = np.asarray(values, dtype=np.float64)
    deviation = float(np.std(numbers, ddof=1))
    return Spread(float(numbers.mean()), float(numbers.min()), float(numbers.max()), deviation)


def check_trainings(count: int) -> None:
    """Check that there are enough trainings for a spread.

    Raises:
        SettingError: fewer than two.
    """
    if count < FEWEST_TRAININGS:
        raise SettingError(f"--trainings: expected at least {FEWEST_TRAININGS}, found {count}.")
