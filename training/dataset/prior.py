"""Fit the click-rate prior: the weight of an item's counts against the shop's click rate."""

import math

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import RatePrior

Floats = npt.NDArray[np.float64]

STRENGTHS = np.geomspace(0.2, 50.0, 41)
"""Candidate strengths, in clicks."""

_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def fit_prior(items: npt.ArrayLike, clicked: npt.ArrayLike) -> RatePrior:
    """Return the prior of maximum likelihood for the items' counts (beta-binomial).

    Args:
        items: shape (R,), the item of each impression.
        clicked: shape (R,), whether it was clicked.
    """
    _, item = np.unique(np.asarray(items), return_inverse=True)
    clicks = np.bincount(item, weights=np.asarray(clicked, dtype=np.float64))
    shown = np.bincount(item).astype(np.float64)
    prior = RatePrior.of_counts(clicks=float(clicks.sum()), impressions=float(shown.sum()))
    if not 0 < prior.click_rate < 1:
        return prior
    pairs, times = np.unique(np.stack([clicks, shown]), axis=1, return_counts=True)
    likelihoods = [
        float((times * _likelihood(pairs[0], pairs[1], strength, prior.click_rate)).sum())
        for strength in STRENGTHS
    ]
    return RatePrior(prior.click_rate, float(STRENGTHS[int(np.argmax(likelihoods))]))


def _likelihood(clicks: Floats, shown: Floats, strength: float, rate: float) -> Floats:
    """Log-likelihood of `clicks` out of `shown`, with rates from Beta(w, w / rate − w)."""
    a, b = strength, strength / rate - strength
    return _log_beta(a + clicks, b + shown - clicks) - _log_beta(np.array(a), np.array(b))


def _log_beta(a: Floats, b: Floats) -> Floats:
    value: Floats = _lgamma(a) + _lgamma(b) - _lgamma(a + b)
    return value
