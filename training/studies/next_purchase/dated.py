"""Artifacts with a date: a training row uses the newest one that existed at its time."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt


class HasDate(Protocol):
    """An artifact that may be used from an instant on."""

    @property
    def at(self) -> int:
        """The first instant of use."""


Artifact = TypeVar("Artifact", bound=HasDate)


class DatedArtifacts(Generic[Artifact]):
    """Artifacts, each in use from its date until the next one's.

    Of several artifacts with the same date the last one counts.
    """

    def __init__(self, artifacts: Sequence[Artifact]) -> None:
        self.artifacts = sorted(artifacts, key=lambda artifact: artifact.at)
        self._dates = np.array([artifact.at for artifact in self.artifacts], dtype=np.int64)

    def as_of(self, t: int) -> Artifact | None:
        """Return the artifact in use at an instant; None before the first."""
        index = int(self.indexes_at(np.array([t]))[0])
        return None if index < 0 else self.artifacts[index]

    def indexes_at(self, t: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the index of the artifact in use at each instant; -1 before the first."""
        indexes: npt.NDArray[np.int64] = np.searchsorted(self._dates, t, side="right") - 1
        return indexes
