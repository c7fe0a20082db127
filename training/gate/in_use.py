"""The published ranker that a new one would replace."""

import json
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import ArtifactError, EventError, parse_instant
from training.dataset import Dataset
from training.ranker import TRAINING, Ranker, Scores


@dataclass(frozen=True)
class RankerInUse:
    """A published ranker.

    Attributes:
        learned_until: µs; it has learned from the slates up to this instant.
    """

    ranker: Ranker
    learned_until: int

    @classmethod
    def load(cls, folder: Path) -> "RankerInUse | None":
        """Read a published ranker; None if it is damaged, or does not say how it was trained."""
        try:
            training = json.loads((folder / TRAINING).read_text())
            return cls(Ranker.load(folder), parse_instant(training["learned_until"]))
        except (ArtifactError, EventError, OSError, ValueError, KeyError):
            return None

    def scores(self, data: Dataset) -> Scores | None:
        """Return the scores of a dataset's rows, shape (R,); None if it lacks a column."""
        if set(self.ranker.columns) - set(data.facts.columns):
            return None
        features = data.features(self.ranker.columns)
        return self.ranker.apply(features.matrix, features.facts.columns)
