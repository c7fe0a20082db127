"""Calibrate scores to probabilities: isotonic regression on slates unseen by the trees.

A ranker's scores only order items.  A calibrated score is the probability that an item is relevant
once it is examined (Zadrozny and Elkan, KDD 2002).  Clicks are divided by the examination of their
position, so that probabilities describe items and not positions.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A rising piecewise linear function, constant before the first point and after the last.

    Attributes:
        scores, probabilities: shape (P,), rising.
        error: expected calibration error on rows held out from the fit: the mean distance between
            probability and rate over bins of equal size.
        rows: number of rows it was fitted on.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    error: float
    rows: int

    def apply(self, scores: npt.ArrayLike) -> Floats:
        """Return the probability that each item is relevant once examined, shape (N,)."""
        probabilities: Floats = np.interp(
            np.asarray(scores, np.float64), self.scores, self.probabilities
        )
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def calibrate(
    scores: Floats, clicked: npt.ArrayLike, examined: Floats, held_out: Any
) -> Calibration:
    """Fit on some rows, and measure the error on the others.

    Args:
        scores: shape (R,).
        clicked: shape (R,), bool.
        examined: shape (R,), probability that the row was examined.
        held_out: shape (R,), bool: rows for the error only.
    """
    clicked, held_out = np.asarray(clicked, np.float64), np.asarray(held_out, bool)
    fitted = ~held_out
    points, levels = _isotonic(scores[fitted], clicked[fitted], examined[fitted])
    calibration = Calibration(tuple(points), tuple(levels), np.nan, int(fitted.sum()))
    error = calibration_error(
        calibration.apply(scores[held_out]), clicked[held_out], examined[held_out]
    )
    return replace(calibration, error=error)


def calibration_error(probabilities: Floats, clicked: Floats, examined: Floats) -> float:
    """Return the mean distance between probability and click rate, over bins of equal size.

    In each bin the rate is clicks over examined rows, the expectation the mean probability, both
    weighted by examination.

    >>> calibration_error(np.full(200, 0.5), np.arange(200) % 2.0, np.ones(200))
    0.0
    """
    if not probabilities.size:
        return float("nan")
    errors, rows = [], []
    for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS):
        weight = examined[part].sum()
        if weight > 0:
            expected = (probabilities[part] * examined[part]).sum() / weight
            errors.append(abs(expected - clicked[part].sum() / weight))
            rows.append(part.size)
    return float(np.average(errors, weights=rows))


def _isotonic(scores: Floats, clicked: Floats, examined: Floats) -> tuple[list[float], list[float]]:
    """Return the points of the rising step function nearest to clicks over examination.

    A row's weight is its examination, so a row that was hardly examined hardly counts.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(scores, kind="stable")
    value, first = np.unique(scores[order], return_index=True)
    weight = np.add.reduceat(examined[order], first)
    rate = np.add.reduceat(clicked[order], first) / weight
    fitted = isotonic_regression(rate, weights=weight)
    ends = np.unique(np.r_[fitted.blocks[:-1], fitted.blocks[1:] - 1])
    return value[ends].tolist(), np.clip(fitted.x[ends], 0.0, 1.0).tolist()
