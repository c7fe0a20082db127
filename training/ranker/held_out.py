"""Scores of slates that the scoring trees have not learned from.

The published ranker is fitted again on the validation split, so only the trees before that can be
compared with another ranker there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError
from training.dataset import Dataset
from training.metrics import Floats

HELD_OUT = "held_out.parquet"
_LEAST_EXAMINATION = 0.1
"""Minimum examination by which a gain is divided, so its weight rises at most tenfold."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HeldOut:
    """N scored rows of a dataset, in its order.

    Attributes:
        rows: shape (N,), their numbers in the dataset, ascending.
        randomized: shape (N,), whether a row is of the randomized slice; the others are of the
            validation split.
        scores: shape (N,), of the selected variant.
        examined: shape (N,), probability that the row was examined.
    """

    rows: npt.NDArray[np.int64]
    randomized: Bools
    scores: Floats
    examined: Floats

    def of(self, data: Dataset) -> Dataset:
        """Select the rows of the dataset that they were scored in.

        Raises:
            ArtifactError: that has fewer rows.
        """
        if self.rows.size and self.rows[-1] >= data.size:
            raise ArtifactError(
                f"Expected a dataset of more than {self.rows[-1]} rows, found {data.size}: the "
                "ranker was trained on another one; train it again."
            )
        selected = np.zeros(data.size, bool)
        selected[self.rows] = True
        return data.rows(selected)

    def save(self, path: Path) -> None:
        """Write them to a Parquet file."""
        table = {
            "row": self.rows,
            "randomized": self.randomized,
            "score": self.scores.astype(np.float32),
            "examined": self.examined.astype(np.float64),
        }
        pq.write_table(pa.table(table), path, compression="zstd")

    @classmethod
    def load(cls, path: Path) -> "HeldOut":
        """Read them.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            table = pq.read_table(path)
            columns = [
                table[name].to_numpy() for name in ("row", "randomized", "score", "examined")
            ]
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise ArtifactError(
                f"{path}: expected scores written by training, found none ({error}); train the "
                "ranker again."
            ) from None
        return cls(*columns)


def over_examination(gain: npt.ArrayLike, examined: npt.ArrayLike) -> Floats:
    """Return each row's gain over its examination probability, shape (R,)."""
    return np.asarray(gain / np.maximum(examined, _LEAST_EXAMINATION), np.float64)
