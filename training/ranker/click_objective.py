"""The objective of the examined ranker: clicks come from examination times relevance.

Each round of boosting first takes a few EM steps of the examination, given the trees' current
relevance, then returns the gradient of the likelihood of the clicks.  A click's row is weighted by
its gain: the score is the log odds of relevance, raised by the gain.
"""

from typing import TYPE_CHECKING

import numpy as np

from training.metrics import exp, log
from training.ranker.click_model import Examination, Floats, Shown

if TYPE_CHECKING:
    import xgboost

_STEPS = 3
_FLATTEST = 1e-6


class ExaminedClicks:
    """An XGBoost objective with its metric; stores the learned examination."""

    def __init__(self, shown: Shown, gain: Floats) -> None:
        """Start with R training rows.

        Args:
            shown: clicks and positions of the rows.
            gain: shape (R,), 0 where not clicked; a plain click has gain 1.
        """
        self.examination = Examination.unknown()
        self._shown, self._gain = shown, gain
        self._mean_gain = float(gain[shown.clicked].mean()) if shown.clicked.any() else 1.0

    @property
    def base_score(self) -> float:
        """Log odds of a click at the first position, raised by the mean gain."""
        first = self._shown.clicked[self._shown.position == 0]
        rate = np.clip(first.mean() if first.size else 0.1, 0.01, 0.9)
        return float(log(rate / (1 - rate)) + log(self._mean_gain))

    def relevance(self, margin: Floats) -> Floats:
        """Return the probability of a click once examined, from scores, shape (R,)."""
        odds = exp(np.clip(margin, -30, 30)) / self._mean_gain
        return np.asarray(odds / (1 + odds))

    def gradient(self, margin: Floats, _rows: "xgboost.DMatrix") -> tuple[Floats, Floats]:
        """Return the first and second derivative of the loss at R scores.

        A row without a click is relevant with the probability `overlooked`; then it counts as a
        click of the mean gain.  With gains of 1 this is the gradient of the likelihood.
        """
        margin = margin.astype(np.float64)
        relevance = self.relevance(margin)
        for _ in range(_STEPS):
            self.examination = self.examination.step(self._shown, relevance)
        examined = self.examination.of(self._shown)
        raised = 1 / (1 + exp(-np.clip(margin, -30, 30)))
        overlooked = (1 - examined) * relevance / (1 - examined * relevance)
        clicked = self._shown.clicked
        positive = np.where(clicked, self._gain, overlooked * self._mean_gain)
        negative = np.where(clicked, 0.0, 1 - overlooked)
        gradient = negative * raised - positive * (1 - raised)
        curvature = np.where(clicked, positive * raised * (1 - raised), gradient * (1 - raised))
        return gradient, np.maximum(curvature, _FLATTEST)

    def loss(self, shown: Shown, margin: Floats) -> float:
        """Return the mean negative log likelihood of other impressions' clicks."""
        p = self.examination.of(shown) * self.relevance(margin.astype(np.float64))
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return float(-np.where(shown.clicked, log(p), log(1 - p)).mean())
