"""The sign test of an interleaving: how many units preferred either variant, with exact intervals.

A unit is won by one variant, or by none.  Without a difference each decided unit is a fair coin.
The confidence sequence is the mixture martingale of the binomial with a symmetric beta distribution
(Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021): it is exact at any
number of looks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.special
import scipy.stats

from training.experiment_analysis.moments import Floats
from training.experiment_analysis.sequence import rho_squared

LEVEL = 0.95

TUNED_UNITS = 1_000
"""Decided units at which the sequence refutes a fair coin earliest, unless others are planned."""

_TINY = 1e-12


@dataclass(frozen=True)
class Preference:
    """The surplus of wins, (wins - losses) / (wins + losses): -1 to 1, positive for the candidate.

    Attributes:
        value: NaN without a decided unit.
        low, high: ends of the exact 95 % interval (Clopper and Pearson 1934); read them once.
        always_low, always_high: ends of the confidence sequence; read them at any time.
        p_value: of the two-sided sign test.
    """

    wins: int
    losses: int
    value: float
    low: float
    high: float
    always_low: float
    always_high: float
    p_value: float

    @classmethod
    def of(cls, wins: int, losses: int, tuned_units: float = TUNED_UNITS) -> "Preference":
        """Test the wins and losses of all units."""
        if wins + losses == 0:
            return cls(0, 0, np.nan, -1.0, 1.0, -1.0, 1.0, 1.0)
        exact = scipy.stats.binomtest(wins, wins + losses).proportion_ci(LEVEL, method="exact")
        always_low, always_high = sequence_ends(wins, losses, tuned_units)
        return cls(
            wins,
            losses,
            value=_surplus(wins / (wins + losses)),
            low=_surplus(exact.low),
            high=_surplus(exact.high),
            always_low=_surplus(always_low),
            always_high=_surplus(always_high),
            p_value=float(sign_test(wins, losses)),
        )


def _surplus(share: float) -> float:
    """Return the surplus of a share of wins."""
    return 2 * float(share) - 1


def sign_test(wins: npt.ArrayLike, losses: npt.ArrayLike) -> Floats:
    """Return the exact two-sided p-value of wins and losses by a fair coin; 1 without any."""
    fewer, decided = np.minimum(wins, losses), np.add(wins, losses)
    p: Floats = np.minimum(2 * scipy.stats.binom.cdf(fewer, decided, 0.5), 1.0)
    return p


def log_evidence(
    wins: npt.ArrayLike, losses: npt.ArrayLike, share: float, tuned_units: float = TUNED_UNITS
) -> Floats:
    """Return the logarithm of the martingale against a share of wins; large values refute it.

    If the share is true, it exceeds log(1 / alpha) at any look with a probability of at most alpha.
    """
    won, lost = np.asarray(wins, np.float64), np.asarray(losses, np.float64)
    prior = _prior(tuned_units)
    mixture = scipy.special.betaln(prior + won, prior + lost) - scipy.special.betaln(prior, prior)
    likelihood = scipy.special.xlogy(won, share) + scipy.special.xlog1py(lost, -share)
    evidence: Floats = mixture - likelihood
    return evidence


def sequence_ends(
    wins: int, losses: int, tuned_units: float = TUNED_UNITS, level: float = LEVEL
) -> tuple[float, float]:
    """Return the smallest and the largest share of wins that the units do not refute."""
    limit = -np.log(1 - level)

    def excess(share: float) -> float:
        return float(log_evidence(wins, losses, share, tuned_units) - limit)

    observed = min(max(wins / (wins + losses), _TINY), 1 - _TINY)
    low = scipy.optimize.brentq(excess, _TINY, observed) if excess(_TINY) > 0 else 0.0
    high = scipy.optimize.brentq(excess, observed, 1 - _TINY) if excess(1 - _TINY) > 0 else 1.0
    return float(low), float(high)


def _prior(tuned_units: float) -> float:
    """Return the parameter of the beta distribution that refutes a coin earliest at some units.

    Its variance, 1 / (4 (2a + 1)), is that of the normal mixture: rho² times that of a coin.
    """
    return max((1 / rho_squared(tuned_units) - 1) / 2, 0.5)
