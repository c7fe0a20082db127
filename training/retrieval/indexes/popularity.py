"""Item popularity: the fallback ranking.

A snapshot of each item's smoothed click rate over the whole log, and of its share of the clicks
where the log has no impressions.  The server holds it in memory and needs neither Redis nor
features for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import ArtifactError, Home
from feature_repo.request_features.context import RatePrior
from training.dataset import item_counts

FILE = "popularity.json"


@dataclass(frozen=True)
class Popularity:
    """A score for each item that was shown or clicked, and one for all other items."""

    scores: Mapping[str, float] = field(default_factory=dict)
    unknown: float = 0.0

    @classmethod
    def fit(cls, home: Home) -> "Popularity":
        """Count impressions and clicks of the compacted log."""
        counts = item_counts(home)
        clicks, shown = (counts[n].to_numpy().astype(float) for n in ("clicks", "impressions"))
        prior = RatePrior.of_counts(clicks=clicks.sum(), impressions=shown.sum())
        if np.isnan(prior.click_rate):
            scores, unknown = clicks / max(clicks.sum(), 1.0), 0.0
        else:
            scores, unknown = prior.smoothed(clicks, shown), prior.click_rate
        return cls(dict(zip(counts["item_id"].to_pylist(), scores.tolist(), strict=True)), unknown)

    def apply(self, item_ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the items' scores, shape (N,); higher is better."""
        return np.array([self.scores.get(i, self.unknown) for i in item_ids], dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the snapshot into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        table = {"unknown": self.unknown, "scores": dict(self.scores)}
        (folder / FILE).write_text(json.dumps(table, sort_keys=True, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Popularity":
        """Read a snapshot.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        path = folder / FILE
        try:
            table: dict[str, Any] = json.loads(path.read_text())
            return cls(dict(table["scores"]), float(table["unknown"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{path}: expected a popularity snapshot: {error}.") from None
