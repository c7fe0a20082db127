"""The fits on the training split that are compared, each stored in a file.

Several processes share a folder: each fits some contenders, and the one that compares them reads
what the others wrote, and fits what is absent.  So a fit that is finished is never repeated.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from feature_repo.home import ArtifactError, replacing
from training.dataset import Dataset
from training.ranker.click_model import Examination
from training.ranker.configuration import Configuration
from training.ranker.quantized import FitRows
from training.ranker.trees import load_xgboost
from training.ranker.variants import Fitted, examined_clicks, fit, validation_ndcg

_ROUNDS, _EXAMINATION = "aisle_rounds", "aisle_examination"
"""Attributes of a stored booster."""


class Contenders:
    """Fits on the rows of a training split, which end on those of a validation split."""

    def __init__(self, data: Dataset, validation: Dataset, folder: Path | None = None) -> None:
        """Take the rows; `folder` is of these rows and this code alone, None to store nothing."""
        self._rows, self._validation, self._folder = FitRows(data, validation), validation, folder

    def fit(self, variant: str, configuration: Configuration) -> tuple[Fitted, float]:
        """Return a fit and its mean NDCG@10 on the validation rows.

        Raises:
            ArtifactError: its file is damaged.
        """
        path = self._path(variant, configuration)
        if path is not None and path.exists():
            fitted = self._load(variant, path)
        else:
            fitted = fit(variant, configuration, self._rows)
            if path is not None:
                _save(fitted, path)
        return fitted, validation_ndcg(fitted, self._validation)

    def _path(self, variant: str, configuration: Configuration) -> Path | None:
        if self._folder is None:
            return None
        text = json.dumps(asdict(configuration), sort_keys=True)
        return self._folder / f"{variant}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.ubj"

    def _load(self, variant: str, path: Path) -> Fitted:
        xgboost = load_xgboost()
        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray(path.read_bytes()))
        except xgboost.core.XGBoostError as error:
            raise ArtifactError(
                f"{path}: expected trees of a contender, found a damaged file ({error}); delete it "
                "and train again."
            ) from None
        objective, examination = None, booster.attr(_EXAMINATION)
        if examination is not None:
            objective = examined_clicks(self._rows.data)
            objective.examination = Examination(np.array(json.loads(examination), np.float64))
        return Fitted(variant, booster, int(booster.attr(_ROUNDS)), objective)


def _save(fitted: Fitted, path: Path) -> None:
    booster = fitted.booster.copy()
    booster.set_attr(**{_ROUNDS: str(fitted.rounds)})
    if fitted.objective is not None:
        table = fitted.objective.examination.table.tolist()
        booster.set_attr(**{_EXAMINATION: json.dumps(table)})
    with replacing(path) as fresh:
        fresh.write_bytes(booster.save_raw("ubj"))
