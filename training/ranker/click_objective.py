"""The objective of the examined ranker: clicks come from examination times relevance.

Each round of boosting first moves the examination a few EM steps towards what the trees now say of
relevance, then gives the trees the gradient of the likelihood of the clicks.  What a click is worth
weighs its row: the score is the log odds of relevance, raised by the gain.
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
    """An XGBoost objective, with its metric; holds the examination learned so far."""

    def __init__(self, shown: Shown, gain: Floats) -> None:
        """Take R training rows.

        Args:
            shown: the rows, as far as examination is concerned.
            gain: shape (R,), 0 where not clicked; 1 is worth as much as a plain click.
        """
        self.examination = Examination.unknown()
        self._shown, self._gain = shown, gain
        self._usual = float(gain[shown.clicked].mean()) if shown.clicked.any() else 1.0

    @property
    def base_score(self) -> float:
        """Log odds of a click at the first position, raised by the usual gain."""
        first = self._shown.clicked[self._shown.position == 0]
        rate = np.clip(first.mean() if first.size else 0.1, 0.01, 0.9)
        return float(log(rate / (1 - rate)) + log(self._usual))

    def relevance(self, margin: Floats) -> Floats:
        """Shape (R,): probability of a click once examined, from scores."""
        odds = exp(np.clip(margin, -30, 30)) / self._usual
        return np.asarray(odds / (1 + odds))

    def gradient(self, margin: Floats, _rows: "xgboost.DMatrix") -> tuple[Floats, Floats]:
        """First and second derivative of the loss at R scores.

        A row that was not clicked is relevant with the probability `overlooked`; then it counts as
        a click of the usual gain.  With gains of 1 this is the gradient of the likelihood.
        """
        margin = margin.astype(np.float64)
        relevance = self.relevance(margin)
        for _ in range(_STEPS):
            self.examination = self.examination.step(self._shown, relevance)
        seen = self.examination.of(self._shown)
        raised = 1 / (1 + exp(-np.clip(margin, -30, 30)))
        overlooked = (1 - seen) * relevance / (1 - seen * relevance)
        clicked = self._shown.clicked
        wanted = np.where(clicked, self._gain, overlooked * self._usual)
        unwanted = np.where(clicked, 0.0, 1 - overlooked)
        gradient = unwanted * raised - wanted * (1 - raised)
        curvature = np.where(clicked, wanted * raised * (1 - raised), gradient * (1 - raised))
        return gradient, np.maximum(curvature, _FLATTEST)

    def loss(self, shown: Shown, margin: Floats) -> float:
        """Mean negative log likelihood of other impressions' clicks, by the examination so far."""
        p = self.examination.of(shown) * self.relevance(margin.astype(np.float64))
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return float(-np.where(shown.clicked, log(p), log(1 - p)).mean())
