"""Artifacts with a date: a row of training uses the one that existed at the time of the row."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt


class HasDate(Protocol):
    """Anything that may be used from an instant on."""

    @property
    def at(self) -> int:
        """The instant."""


Artifact = TypeVar("Artifact", bound=HasDate)


class DatedArtifacts(Generic[Artifact]):
    """Artifacts of one kind and name, each in use from its date until the next one's.

    Of several with the same date the last given counts.
    """

    def __init__(self, artifacts: Sequence[Artifact]) -> None:
        self.artifacts = sorted(artifacts, key=lambda artifact: artifact.at)
        self._dates = np.array([artifact.at for artifact in self.artifacts], dtype=np.int64)

    def as_of(self, t: int) -> Artifact | None:
        """The one in use at an instant; None before the first."""
        place = int(self.places(np.array([t]))[0])
        return None if place < 0 else self.artifacts[place]

    def places(self, t: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Shape (R,): places in `artifacts` of those in use at R instants; -1 before the first."""
        places: npt.NDArray[np.int64] = np.searchsorted(self._dates, t, side="right") - 1
        return places
