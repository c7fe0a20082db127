"""From scores to probabilities: isotonic regression on slates the trees have not seen.

A ranker's scores order; a calibrated one also says how likely an item is to be wanted once looked
at (Zadrozny and Elkan, KDD 2002).  What is wanted is the click over the examination of its place,
so that probabilities are of items and not of positions.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A rising line through points, flat beyond the first and the last.

    Attributes:
        scores, probabilities: shape (P,), rising.
        error: expected calibration error on rows held out from the fit: the mean distance between
            probability and rate over bins of equal size.
        rows: how many it was fitted on.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    error: float
    rows: int

    def apply(self, scores: npt.ArrayLike) -> Floats:
        """Shape (N,): probability that each item is wanted once looked at, 0 to 1."""
        found: Floats = np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def calibrate(scores: Floats, clicked: npt.ArrayLike, seen: Floats, held_out: Any) -> Calibration:
    """Fit on some rows, and measure the error on the others.

    Args:
        scores: shape (R,).
        clicked: shape (R,), bool.
        seen: shape (R,), probability that the row was looked at.
        held_out: shape (R,), bool: rows that only measure.
    """
    clicked, held_out = np.asarray(clicked, np.float64), np.asarray(held_out, bool)
    fitted = ~held_out
    points, levels = _isotonic(scores[fitted], clicked[fitted], seen[fitted])
    known = Calibration(tuple(points), tuple(levels), np.nan, int(fitted.sum()))
    rest = (known.apply(scores[held_out]), clicked[held_out], seen[held_out])
    return Calibration(known.scores, known.probabilities, calibration_error(*rest), known.rows)


def calibration_error(probabilities: Floats, clicked: Floats, seen: Floats) -> float:
    """Mean distance between what is expected and what was seen, over bins of equal size.

    In each bin the rate is clicks over examined rows, the expectation the mean probability, both
    weighted by examination.

    >>> calibration_error(np.full(200, 0.5), np.arange(200) % 2.0, np.ones(200))
    0.0
    """
    if not probabilities.size:
        return float("nan")
    errors, rows = [], []
    for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS):
        looked = seen[part].sum()
        if looked > 0:
            expected = (probabilities[part] * seen[part]).sum() / looked
            errors.append(abs(expected - clicked[part].sum() / looked))
            rows.append(part.size)
    return float(np.average(errors, weights=rows))


def _isotonic(scores: Floats, clicked: Floats, seen: Floats) -> tuple[list[float], list[float]]:
    """Points of the rising step function nearest to clicks over examination.

    Each row stands for its examination, so a row that was hardly looked at hardly counts.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(scores, kind="stable")
    value, first = np.unique(scores[order], return_index=True)
    looked = np.add.reduceat(seen[order], first)
    rate = np.add.reduceat(clicked[order], first) / looked
    fitted = isotonic_regression(rate, weights=looked)
    ends = np.unique(np.r_[fitted.blocks[:-1], fitted.blocks[1:] - 1])
    return value[ends].tolist(), np.clip(fitted.x[ends], 0.0, 1.0).tolist()
