"""Candidates of each decision, from several sources, with the inputs of their features.

    own past        items that the user bought before, most bought first
    popular         bought by many in the last 28 days, and in the last 7

Counts of items use only data from strictly before the decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.history import Floats, History, Ints
from training.studies.next_purchase.occurrences import Occurrences, RunningCounts
from training.studies.next_purchase.order import first_items
from training.studies.next_purchase.own import OwnPast

WINDOWS_DAYS = (1, 7, 28, 91, None)
HALF_LIFE_DAYS = 60.0
SOURCES = {"own": 150, "popular": 100, "trending": 40}
"""Candidates of each source."""

_BLOCK = 256


@dataclass(frozen=True)
class Block:
    """Decisions at successive times, and the counts of every item for them.

    Attributes:
        indexes: shape (B,), of the decisions among all decisions.
        decisions: the B decisions.
        own: earlier purchases of the decisions' users.
        counts: by window of `WINDOWS_DAYS`, shape (B, N).
    """

    indexes: Ints
    decisions: Decisions
    own: OwnPast
    counts: dict[int | None, Floats]

    def candidates(self) -> tuple[Ints, Ints]:
        """Return rows (decision in the block, item), by decision, then item; shapes (R,)."""
        own = self.own.decayed(HALF_LIFE_DAYS).toarray()
        scores = {
            "own": own,
            "popular": self.counts[28],
            "trending": self.counts[7],
        }
        is_candidate = np.zeros(own.shape, dtype=bool)
        for source, values in scores.items():
            first = first_items(np.where(values > 0, values, 0), SOURCES[source])
            np.put_along_axis(is_candidate, first, True, axis=1)
        decision, item = np.nonzero(is_candidate)
        return decision.astype(np.int64), item.astype(np.int64)


def blocks(history: History, decisions: Decisions, by_user: Occurrences) -> Iterator[Block]:
    """Yield all decisions, which are in time order, a block at a time."""
    counts = {days: RunningCounts(history, days and days * DAY) for days in WINDOWS_DAYS}
    for start in range(0, decisions.t.size, _BLOCK):
        indexes = np.arange(start, min(start + _BLOCK, decisions.t.size))
        part = decisions.part(indexes)
        window_counts = {
            days: np.stack([running.at(int(t)).copy() for t in part.t])
            for days, running in counts.items()
        }
        yield Block(indexes, part, OwnPast.of(history, part, by_user), window_counts)
