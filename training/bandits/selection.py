"""Which arm is chosen: by the probability that Thompson sampling would choose it.

Thompson sampling draws a rate from each posterior and takes the arm of the greatest.  Here the
probability of that is computed first, by a sum over a grid, and then the arm is drawn by these
probabilities.  So the logged propensity is the probability of the draw, exactly; that it is also
the one of Thompson sampling holds up to the grid, some 1e-3.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate

import numpy as np

from training.bandits.posterior import Posterior

_RANGE = 2.0**64


@lru_cache(1024)
def win_probabilities(arms: tuple[Posterior, ...]) -> tuple[float, ...]:
    """Return the probability that each of A independent rates is the greatest; their sum is 1."""
    points = np.unique(np.concatenate([arm.points for arm in arms]))
    if len(points) < 2:
        return (1 / len(arms),) * len(arms)
    up_to = np.array([arm.cumulative(points) for arm in arms])
    middles = (up_to[:, 1:] + up_to[:, :-1]) / 2
    masses = np.diff(up_to, axis=1)
    wins = np.array(
        [(mass * np.delete(middles, n, axis=0).prod(axis=0)).sum() for n, mass in enumerate(masses)]
    )
    return tuple((wins / wins.sum()).tolist())


def with_floor(probabilities: Sequence[float], floor: float) -> list[float]:
    """Return probabilities of at least `floor`, up to 1 / A: a share of decisions is uniform."""
    share = floor * len(probabilities)
    return [floor + (1 - share) * probability for probability in probabilities]


def draw(probabilities: Sequence[float], bandit: str, decision_id: str) -> int:
    """Return the position of an arm, drawn by a uniform number from a hash of the decision's id."""
    digest = blake2b(f"{bandit}\n{decision_id}".encode(), digest_size=8).digest()
    at = (int.from_bytes(digest, "big") + 0.5) / _RANGE * sum(probabilities)
    ends = accumulate(probabilities)
    return next((n for n, end in enumerate(ends) if at < end), len(probabilities) - 1)
