"""Counts of N candidates, or of one user, query or market, laid out by measure and window."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.counters import COUNTER_VIEWS, MARKET_MEASURES, WINDOWS

DAY, WEEK, MONTH, EVER = (tuple(WINDOWS).index(window) for window in ("1d", "7d", "30d", "all"))
"""Places of the windows, shortest first."""

_VIEWS = {view.entity: view.name for view in COUNTER_VIEWS} | {"market": "market_usual"}
_MEASURES: Mapping[str, tuple[str, ...]] = {
    **{view.entity: tuple(view.measures) for view in COUNTER_VIEWS},
    "market": tuple(MARKET_MEASURES),
}
_PLACES = {
    entity: {measure: n for n, measure in enumerate(measures)}
    for entity, measures in _MEASURES.items()
}

COUNTS = {
    entity: tuple(f"{_VIEWS[entity]}__{measure}_{window}" for measure in own for window in WINDOWS)
    for entity, own in _MEASURES.items()
}
"""Entity → the full names of its counts, measure by measure."""


@dataclass(frozen=True)
class Counts:
    """Counts as of one instant.

    Attributes:
        entity: item, user, query or market.
        all: shape (measures × windows, N), as `COUNTS` names them, NaN where not known; of one
            entity, N is 1.  Not to be written to.
    """

    entity: str
    all: npt.NDArray[np.float64]

    def of(self, measure: str) -> npt.NDArray[np.float64]:
        """Shape (windows, N)."""
        start = _PLACES[self.entity][measure] * len(WINDOWS)
        return self.all[start : start + len(WINDOWS)]

    def each(self, *measures: str) -> npt.NDArray[np.float64]:
        """Shape (measures, windows, N), of those asked for."""
        places = _PLACES[self.entity]
        table = self.all.reshape(len(places), len(WINDOWS), self.all.shape[1])
        return table[[places[measure] for measure in measures]]
