"""Candidates of each decision, from several sources, with the inputs of their features.

    own past        items that the user bought before, most bought first
    popular         bought by many in the last 28 days, and in the last 7
    together        bought together with the user's last order and past

Counts and relations of items use only data from strictly before the decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY
from training.studies.next_purchase.dated import DatedArtifacts
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.history import Floats, History, Ints
from training.studies.next_purchase.occurrences import Occurrences, RunningCounts
from training.studies.next_purchase.order import first_items
from training.studies.next_purchase.own import OwnPast
from training.studies.next_purchase.relations import Relations

WINDOWS_DAYS = (1, 7, 28, 91, None)
HALF_LIFE_DAYS = 60.0
SOURCES = {"own": 150, "popular": 100, "trending": 40, "together": 80}
"""Candidates of each source."""

_BLOCK = 256


@dataclass(frozen=True)
class Block:
    """Decisions at successive times, and the counts and relations of every item for them.

    Attributes:
        indexes: shape (B,), of the decisions among all decisions.
        decisions: the B decisions.
        own: earlier purchases of the decisions' users.
        counts: by window of `WINDOWS_DAYS`, shape (B, N).
        near: name → shape (B, N), similarity of each item to the user's past.
    """

    indexes: Ints
    decisions: Decisions
    own: OwnPast
    counts: dict[int | None, Floats]
    near: dict[str, npt.NDArray[np.floating]]

    def candidates(self) -> tuple[Ints, Ints]:
        """Return rows (decision in the block, item), by decision, then item; shapes (R,)."""
        own = self.own.decayed(HALF_LIFE_DAYS).toarray()
        together = self.near["together_last"] + self.near["together_past"]
        scores = {
            "own": own,
            "popular": self.counts[28],
            "trending": self.counts[7],
            "together": together,
        }
        is_candidate = np.zeros(own.shape, dtype=bool)
        for source, values in scores.items():
            first = first_items(np.where(values > 0, values, 0), SOURCES[source])
            np.put_along_axis(is_candidate, first, True, axis=1)
        decision, item = np.nonzero(is_candidate)
        return decision.astype(np.int64), item.astype(np.int64)


def blocks(
    history: History,
    decisions: Decisions,
    relations: DatedArtifacts[Relations],
    by_user: Occurrences,
) -> Iterator[Block]:
    """Yield all decisions, which are in time order, a block at a time."""
    counts = {days: RunningCounts(history, days and days * DAY) for days in WINDOWS_DAYS}
    fitted = relations.indexes_at(decisions.t)
    for indexes in _runs(fitted):
        part = decisions.part(indexes)
        own = OwnPast.of(history, part, by_user)
        window_counts = {
            days: np.stack([running.at(int(t)).copy() for t in part.t])
            for days, running in counts.items()
        }
        fit = int(fitted[indexes[0]])
        near = _near(own, None if fit < 0 else relations.artifacts[fit])
        yield Block(indexes, part, own, window_counts, near)


def _runs(fitted: Ints) -> Iterator[Ints]:
    """Yield indexes of successive decisions that read the same fit, at most `_BLOCK`."""
    ends = np.r_[np.flatnonzero(np.diff(fitted)) + 1, fitted.size]
    start = 0
    for end in ends.tolist():
        for begin in range(start, end, _BLOCK):
            yield np.arange(begin, min(begin + _BLOCK, end))
        start = end


def _near(own: OwnPast, relations: Relations | None) -> dict[str, npt.NDArray[np.floating]]:
    last, past = own.last_basket(), own.decayed(HALF_LIFE_DAYS)
    if relations is None:
        zeros = np.zeros(last.shape)
        return dict.fromkeys(("together_last", "together_past"), zeros)
    return {
        "together_last": (last @ relations.together).toarray(),
        "together_past": (past @ relations.together).toarray(),
    }
