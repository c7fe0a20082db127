"""The ranker: gradient-boosted trees that order the items of a slate."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import ArtifactError
from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.views import RANKING_SERVICE
from training.ranker.calibration import Calibration
from training.ranker.trees import load_xgboost, scores_of

if TYPE_CHECKING:
    import xgboost

MODEL, RANKER, TRAINING = "model.json", "ranker.json", "training.json"
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ranker:
    """A fitted ranker.

    Attributes:
        columns: the F feature columns it reads, in order.
        prior: click-rate prior of the rates it was trained on.
        booster: the trees.
        calibration: turns its scores into probabilities; None where none was fitted.
        feature_service: the service whose columns these are.
    """

    columns: tuple[str, ...]
    prior: RatePrior
    booster: "xgboost.Booster"
    calibration: Calibration | None = None
    feature_service: str = RANKING_SERVICE

    def apply(self, matrix: Matrix, columns: Sequence[str] | None = None) -> Scores:
        """Return the scores, shape (N,); higher is better.  It uses one thread and copies nothing.

        Args:
            matrix: shape (N, F) float32, NaN where missing.
            columns: the matrix's columns, checked against the ranker's where given.

        Raises:
            ArtifactError: other columns, or the same in another order.
        """
        if columns is not None and tuple(columns) != self.columns:
            raise ArtifactError(_difference(self.columns, columns))
        if matrix.shape[1] != len(self.columns):
            raise ArtifactError(
                f"The ranker reads {len(self.columns)} columns, the matrix has {matrix.shape[1]}."
            )
        if not matrix.shape[0]:
            return np.empty(0, dtype=np.float32)
        return scores_of(self.booster, matrix)

    def contributions(self, matrix: Matrix) -> Scores:
        """Return each feature's contribution to each score, shape (N, F): approximate SHAP."""
        columns: Scores = self.shares(matrix)[:, :-1]
        return columns

    def shares(self, matrix: Matrix, *, exact: bool = False) -> Scores:
        """Return the features' contributions to each score and the constant, shape (N, F + 1).

        A row sums to the item's score.  Exact shares are Shapley values of the trees (Lundberg, Lee
        et al., Nature Machine Intelligence 2020).  They take about a hundred times as long as the
        approximate ones, which follow each item's path down the trees (Saabas).
        """
        xgboost = load_xgboost()

        rows = xgboost.DMatrix(matrix, nthread=1)
        shares: Scores = self.booster.predict(
            rows, pred_contribs=True, approx_contribs=not exact, validate_features=False
        )
        return shares

    def save(self, folder: Path) -> None:
        """Write the trees, columns, prior and calibration into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / MODEL)
        calibration = self.calibration and self.calibration.to_dict()
        table = {
            "columns": self.columns,
            "prior": asdict(self.prior),
            "calibration": calibration,
            "feature_service": self.feature_service,
        }
        (folder / RANKER).write_text(json.dumps(table, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Ranker":
        """Read a ranker for serving; verify the artifact first.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        xgboost = load_xgboost()

        try:
            table: dict[str, Any] = json.loads((folder / RANKER).read_text())
            booster = xgboost.Booster({"nthread": 1}, model_file=str(folder / MODEL))
            calibration = Calibration(**fit) if (fit := table.get("calibration")) else None
            prior = RatePrior(**table["prior"])
            columns, service = tuple(table["columns"]), table["feature_service"]
            ranker = cls(columns, prior, booster, calibration, service)
        except (OSError, ValueError, TypeError, KeyError, xgboost.core.XGBoostError) as error:
            actual = f"lacks {error}" if isinstance(error, KeyError) else str(error)[:200]
            raise ArtifactError(
                f"{folder}: expected a ranker of this version of Aisle, found one that cannot be "
                f"read ({actual}); `aisle train` makes a new one."
            ) from None
        booster.set_param({"nthread": 1})
        if booster.num_features() != len(ranker.columns):
            raise ArtifactError(
                f"{folder}: the trees read {booster.num_features()} columns, "
                f"{RANKER} names {len(ranker.columns)}."
            )
        return ranker


def _difference(expected: Sequence[str], actual: Sequence[str]) -> str:
    """Describe how two lists of columns differ, in a sentence."""
    missing = [name for name in expected if name not in actual]
    surplus = [name for name in actual if name not in expected]
    if not missing and not surplus:
        first = next(n for n, name in enumerate(expected) if name != actual[n])
        return (
            "The ranker reads the same columns in another order: "
            f"expected {expected[first]} at position {first}, found {actual[first]}."
        )
    return f"The ranker reads other columns: missing {missing}, surplus {surplus}."
