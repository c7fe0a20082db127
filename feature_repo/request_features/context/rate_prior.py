"""The smoothed click rate, computed by one function for all features.

Rates are never stored.  They are computed from counts and smoothed toward the shop's click rate, so
that one lucky click does not put an item on top of the slate.
"""

import math
from dataclasses import dataclass

import numpy.typing as npt

from feature_repo.request_features.context.request_context import Floats, or_zero


@dataclass(frozen=True)
class RatePrior:
    """The prior of a click rate.

    Attributes:
        click_rate: clicks per impression of the whole shop; NaN without a click.
        strength: weight of the prior, in clicks.
    """

    click_rate: float = math.nan
    strength: float = 10.0

    @classmethod
    def of_counts(cls, *, clicks: float, impressions: float, strength: float = 10.0) -> "RatePrior":
        """Return the prior of a shop with `clicks` in `impressions`."""
        has_clicks = clicks > 0 and impressions > 0
        return cls(clicks / impressions if has_clicks else math.nan, strength)

    def smoothed(self, clicks: npt.ArrayLike, impressions: npt.ArrayLike) -> Floats:
        """Return rates (w + c) / (w · I / C + i) in the shape of the counts; missing counts are 0.

        NaN if the shop has no click.

        >>> RatePrior.of_counts(clicks=10, impressions=100).smoothed([1.0], [2.0]) == 11 / 102
        array([ True])
        """
        return self.drawn(or_zero(clicks), or_zero(impressions))

    def drawn(self, clicks: Floats, impressions: Floats) -> Floats:
        """Return smoothed rates of counts, which must not be missing."""
        impressions_of_prior = self.strength / self.click_rate if self.click_rate > 0 else math.nan
        rates: Floats = (self.strength + clicks) / (impressions_of_prior + impressions)
        return rates
