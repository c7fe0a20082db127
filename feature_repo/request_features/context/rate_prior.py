"""The smoothed click rate: one function, wherever a rate is needed.

Rates are never stored.  They are computed from counts and drawn towards the shop's own click rate,
so that an item with one lucky click does not lead the slate.
"""

import math
from dataclasses import dataclass

import numpy.typing as npt

from feature_repo.request_features.context.request_context import Floats, or_zero


@dataclass(frozen=True)
class RatePrior:
    """What is believed of an item before it was shown.

    Attributes:
        click_rate: clicks per impression of the whole shop; NaN while there is no click at all.
        strength: clicks the belief is worth.
    """

    click_rate: float = math.nan
    strength: float = 10.0

    @classmethod
    def of_counts(cls, *, clicks: float, impressions: float, strength: float = 10.0) -> "RatePrior":
        """The prior of a shop with `clicks` in `impressions`; no click is no belief."""
        known = clicks > 0 and impressions > 0
        return cls(clicks / impressions if known else math.nan, strength)

    def smoothed(self, clicks: npt.ArrayLike, impressions: npt.ArrayLike) -> Floats:
        """Rates (w + c) / (w · I / C + i), of any one shape; missing counts are no evidence.

        NaN everywhere while the shop has no click.

        >>> RatePrior.of_counts(clicks=10, impressions=100).smoothed([1.0], [2.0]) == 11 / 102
        array([ True])
        """
        return self.drawn(or_zero(clicks), or_zero(impressions))

    def drawn(self, clicks: Floats, impressions: Floats) -> Floats:
        """The same of counts of which none is missing."""
        believed = self.strength / self.click_rate if self.click_rate > 0 else math.nan
        rates: Floats = (self.strength + clicks) / (believed + impressions)
        return rates
