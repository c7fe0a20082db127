"""Calibrated probabilities are right for any scale of the scores and any position."""

import numpy as np
import pytest

from training.ranker.calibration import calibrate, calibration_error


def drawn(rows=200_000, seed=5):
    rng = np.random.default_rng(seed)
    relevant = rng.beta(1.5, 6.0, size=rows)
    seen = 1 / rng.integers(1, 9, size=rows)
    clicked = (rng.random(rows) < relevant) & (rng.random(rows) < seen)
    return relevant, seen, clicked, rng.random(rows) < 0.3


@pytest.mark.parametrize("scale", [lambda p: np.log(p / (1 - p)), lambda p: 40 * p**3 - 7])
def test_probabilities_are_right_whatever_the_scale_of_the_scores(scale):
    relevant, seen, clicked, held_out = drawn()

    calibration = calibrate(scale(relevant), clicked, seen, held_out)

    assert calibration.error < 0.02
    assert np.abs(calibration.apply(scale(relevant)) - relevant).mean() < 0.03


def test_probabilities_keep_the_order_and_stay_between_0_and_1():
    relevant, seen, clicked, held_out = drawn(rows=500)

    calibration = calibrate(relevant, clicked, seen, held_out)
    probabilities = calibration.apply(np.linspace(-5, 5, 200))

    assert (np.diff(probabilities) >= 0).all()
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1


def test_overconfident_probabilities_have_an_error():
    relevant, seen, clicked, _ = drawn()

    honest = calibration_error(relevant, clicked.astype(float), seen)
    too_sure = calibration_error(np.sqrt(relevant), clicked.astype(float), seen)

    assert honest < 0.02
    assert too_sure > 0.1


def test_the_error_is_measured_on_held_out_rows():
    rng = np.random.default_rng(1)
    scores, clicked = rng.random(400), rng.random(400) < 0.5
    held_out = np.arange(400) % 2 == 0
    clicked[held_out] = ~clicked[held_out] & (scores[held_out] < 0.5)

    fitted_alone = calibrate(scores, clicked, np.ones(400), held_out)

    assert fitted_alone.error > 0.1
    assert fitted_alone.rows == 200
