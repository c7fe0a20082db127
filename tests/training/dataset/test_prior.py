"""The prior is stronger for more similar click rates of the items."""

import math

import numpy as np

from training.dataset.prior import fit_prior


def impressions(strength, rate=0.2, items=400, shown=60):
    """Impressions of items with click rates from Beta(w, w / rate − w)."""
    rng = np.random.default_rng(8)
    rates = rng.beta(strength, strength / rate - strength, size=items)
    clicked = rng.random((items, shown)) < rates[:, None]
    return np.repeat(np.arange(items), shown), clicked.ravel()


def test_fitted_strength_is_near_the_true_one():
    for strength in (1.0, 8.0):
        prior = fit_prior(*impressions(strength))

        assert strength / 1.6 < prior.strength < strength * 1.6
        assert 0.17 < prior.click_rate < 0.23


def test_prior_without_clicks_is_missing():
    prior = fit_prior(["a", "b"], [False, False])

    assert math.isnan(prior.click_rate)


def test_prior_exists_where_every_impression_was_clicked():
    assert fit_prior(["a", "b"], [True, True]).click_rate == 1
