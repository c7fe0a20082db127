"""Scores become probabilities that are right, whatever the scale and the position."""

import numpy as np
import pytest

from training.ranker.calibration import calibrate, calibration_error


def drawn(rows=200_000, seed=5):
    rng = np.random.default_rng(seed)
    wanted = rng.beta(1.5, 6.0, size=rows)
    seen = 1 / rng.integers(1, 9, size=rows)
    clicked = (rng.random(rows) < wanted) & (rng.random(rows) < seen)
    return wanted, seen, clicked, rng.random(rows) < 0.3


@pytest.mark.parametrize("scale", [lambda p: np.log(p / (1 - p)), lambda p: 40 * p**3 - 7])
def test_probabilities_are_right_whatever_the_scale_of_the_scores(scale):
    wanted, seen, clicked, held_out = drawn()

    calibration = calibrate(scale(wanted), clicked, seen, held_out)

    assert calibration.error < 0.02
    assert np.abs(calibration.apply(scale(wanted)) - wanted).mean() < 0.03


def test_order_is_kept_and_nothing_leaves_the_unit_interval():
    wanted, seen, clicked, held_out = drawn(rows=500)

    calibration = calibrate(wanted, clicked, seen, held_out)
    found = calibration.apply(np.linspace(-5, 5, 200))

    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_a_ranker_that_is_too_sure_has_an_error():
    wanted, seen, clicked, _ = drawn()

    honest = calibration_error(wanted, clicked.astype(float), seen)
    too_sure = calibration_error(np.sqrt(wanted), clicked.astype(float), seen)

    assert honest < 0.02
    assert too_sure > 0.1


def test_the_error_is_of_rows_that_were_not_fitted():
    rng = np.random.default_rng(1)
    scores, clicked = rng.random(400), rng.random(400) < 0.5
    held_out = np.arange(400) % 2 == 0
    clicked[held_out] = ~clicked[held_out] & (scores[held_out] < 0.5)

    fitted_alone = calibrate(scores, clicked, np.ones(400), held_out)

    assert fitted_alone.error > 0.1
    assert fitted_alone.rows == 200
