"""The click model separates examination from relevance, by position and by the last click above."""

import numpy as np
import pytest

from training.ranker.click_model import POSITIONS, Examination, Shown, curves_by

SLATES, SLATE = 4000, 8


def logged(seed, curve, *, stop=0.0):
    """Slates with the better items mostly at the top; shoppers may stop after a click."""
    rng = np.random.default_rng(seed)
    relevance = rng.uniform(0.05, 0.6, size=(SLATES, SLATE))
    noisy = relevance + rng.normal(scale=0.15, size=relevance.shape)
    relevance = np.take_along_axis(relevance, np.argsort(-noisy, axis=1), 1)
    clicked = (rng.random(relevance.shape) < curve) & (rng.random(relevance.shape) < relevance)
    stopped = clicked & (rng.random(clicked.shape) < stop)
    below_stop = np.cumsum(stopped, axis=1) - stopped > 0
    return relevance.ravel(), (clicked & ~below_stop).ravel()


def shown(clicked):
    position = np.tile(np.arange(1, SLATE + 1), SLATES)
    return Shown.of(clicked, position, np.repeat(np.arange(SLATES), SLATE))


@pytest.mark.parametrize("power", [0.3, 1.0, 1.6])
def test_the_curve_of_position_bias_is_recovered_from_true_relevance(power):
    curve = np.arange(1.0, SLATE + 1) ** -power
    relevance, clicked = logged(1, curve)

    impressions = shown(clicked)
    learned = Examination.unknown().converged(impressions, relevance).curve(impressions)

    np.testing.assert_allclose(learned, curve, atol=0.05)


def test_positions_below_a_last_click_are_not_examined():
    relevance, clicked = logged(2, np.ones(SLATE), stop=1.0)

    impressions = shown(clicked)
    learned = Examination.unknown().converged(impressions, relevance).table
    table = learned.reshape(POSITIONS, POSITIONS + 1)

    assert (table[:SLATE, 0] > 0.9).all()
    assert (table[2:SLATE, 1] < 0.1).all()


def test_the_last_click_belongs_to_the_same_slate():
    clicked = np.array([True, False, True, False, False])
    position = np.array([1, 2, 3, 1, 2])

    cells = Shown.of(clicked, position, np.array([0, 0, 0, 1, 1])).cell

    assert cells.tolist() == [0, 21 + 1, 42 + 1, 0, 21]


def test_positions_after_the_limit_share_the_last_cell():
    size = POSITIONS + 30
    impressions = Shown.of(np.zeros(size, bool), np.arange(1, size + 1), np.zeros(size, int))

    assert np.unique(impressions.position).size == POSITIONS


def test_each_device_has_its_own_curve():
    steep = np.arange(1.0, SLATE + 1) ** -1.5
    relevance, clicked = logged(3, steep)
    flat_relevance, flat_clicked = logged(4, np.ones(SLATE))
    position = np.tile(np.arange(1, SLATE + 1), 2 * SLATES)
    impressions = Shown.of(
        np.r_[clicked, flat_clicked], position, np.repeat(np.arange(2 * SLATES), SLATE)
    )
    device = np.repeat(["phone", "desktop"], SLATES * SLATE).astype(object)
    device[:SLATE] = None

    relevance = np.r_[relevance, flat_relevance]
    pooled = Examination.unknown().converged(impressions, relevance)
    curves = curves_by({"device": device}, impressions, relevance, pooled)["device"]

    np.testing.assert_allclose(curves["phone"], steep, atol=0.05)
    np.testing.assert_allclose(curves["desktop"], np.ones(SLATE), atol=0.05)
    assert set(curves) == {"phone", "desktop"}
