"""All counts of one request in one table, so that one array operation covers every entity."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from feature_repo.views import COUNTER_VIEWS, MARKET_MEASURES, WINDOWS

DAY_INDEX, WEEK_INDEX, MONTH_INDEX, EVER_INDEX = (
    tuple(WINDOWS).index(window) for window in ("1d", "7d", "30d", "all")
)
"""Indexes of the windows, shortest first."""

ENTITIES: dict[str, str] = {
    **{view.entity: view.name for view in COUNTER_VIEWS},
    "market": "market_baseline",
}
"""Entity → the view of its counts, in the order of the table's columns."""

_MEASURES: Mapping[str, tuple[str, ...]] = {
    **{view.entity: tuple(view.measures) for view in COUNTER_VIEWS},
    "market": tuple(MARKET_MEASURES),
}
_ALL = tuple(dict.fromkeys(measure for measures in _MEASURES.values() for measure in measures))
_OTHERS = len(ENTITIES) - 1


def _names(entity: str, measures: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{ENTITIES[entity]}__{m}_{window}" for m in measures for window in WINDOWS)


_READ: dict[str, tuple[str, ...]] = {
    view.entity: tuple(name for name, measure in view.measures.items() if measure.read)
    for view in COUNTER_VIEWS
}
COUNTS: dict[str, tuple[str, ...]] = {
    entity: _names(entity, measures) for entity, measures in _READ.items()
}
"""Entity → the full names of its counts that a model reads, measure by measure."""

ALL_COUNTS: dict[str, tuple[str, ...]] = {entity: _names(entity, _ALL) for entity in ENTITIES}
"""Entity → the full names of every measure, including measures that the entity lacks."""


@dataclass(frozen=True)
class Counts:
    """Counts as of one instant, NaN where missing.

    Attributes:
        table: shape (measures, windows, N + 3): of the candidates, then of the user, the query and
            the market.  Read only.
    """

    table: npt.NDArray[np.float64]

    @classmethod
    def of(cls, items: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> "Counts":
        """Combine counts in the order of `ALL_COUNTS`.

        Args:
            items: shape (names, N).
            others: shape (3 · names,), of the user, the query, the market.
        """
        names, size = items.shape
        table = np.empty((names, size + _OTHERS))
        table[:, :size], table[:, size:] = items, others.reshape(_OTHERS, names).T
        return cls(table.reshape(len(_ALL), len(WINDOWS), size + _OTHERS))

    @cached_property
    def evidence(self) -> npt.NDArray[np.float64]:
        """The table with 0 where a count is missing."""
        return np.where(np.isnan(self.table), 0.0, self.table)

    def each(self, *measures: str) -> npt.NDArray[np.float64]:
        """Return the table of some measures, shape (measures, windows, N + 3)."""
        return self.table[measure_indexes(measures)]

    def stored(self, entity: str) -> npt.NDArray[np.float64]:
        """Return the counts that `COUNTS` names, shape (measures, windows, N or 1)."""
        return entity_slice(self.table, entity)[measure_indexes(_READ[entity])]


@cache
def measure_indexes(measures: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Return the indexes of the measures in the table."""
    return np.array([_ALL.index(measure) for measure in measures])


def entity_slice(table: npt.NDArray[np.float64], entity: str) -> npt.NDArray[np.float64]:
    """Return an entity's columns of a table (…, N + 3): shape (…, N) for items, else (…, 1)."""
    return table[..., _PARTS[entity]]


_PARTS = {
    "item": slice(None, -3),
    "user": slice(-3, -2),
    "query": slice(-2, -1),
    "market": slice(-1, None),
}
