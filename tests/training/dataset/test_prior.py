"""The prior is as strong as the items are alike."""

import math

import numpy as np

from training.dataset.prior import fit_prior


def impressions(strength, rate=0.2, items=400, shown=60):
    """Impressions of items whose rates vary as Beta(w, w / rate − w)."""
    rng = np.random.default_rng(8)
    rates = rng.beta(strength, strength / rate - strength, size=items)
    clicked = rng.random((items, shown)) < rates[:, None]
    return np.repeat(np.arange(items), shown), clicked.ravel()


def test_the_fitted_strength_is_near_the_one_the_clicks_were_drawn_with():
    for strength in (1.0, 8.0):
        prior = fit_prior(*impressions(strength))

        assert strength / 1.6 < prior.strength < strength * 1.6
        assert 0.17 < prior.click_rate < 0.23


def test_no_click_is_no_prior():
    prior = fit_prior(["a", "b"], [False, False])

    assert math.isnan(prior.click_rate)


def test_a_click_on_everything_is_a_prior_all_the_same():
    assert fit_prior(["a", "b"], [True, True]).click_rate == 1
