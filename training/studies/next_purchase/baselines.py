"""Baselines of next purchases, each tuned on the validation split like the ranker.

popularity             purchases of the item in a window
repeat + popularity    the user's own purchases, decayed, plus weighted popularity
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.history import Floats, History, Ints
from training.studies.next_purchase.occurrences import Occurrences, RunningCounts
from training.studies.next_purchase.order import K, first_items
from training.studies.next_purchase.own import OwnPast

POPULARITY, REPEAT = "popularity", "personal repeat + popularity"

WINDOWS_DAYS = (1, 3, 7, 14, 28, 91, None)
HALF_LIVES_DAYS = (60.0, 120.0, 240.0, None)
WEIGHTS = (1e-6, 0.3, 1.0)
"""Weight of the most popular item in own purchases; the smallest only breaks ties."""

_BLOCK = 256


@dataclass(frozen=True)
class Popularity:
    """Purchases in the last days, or of all time."""

    window_days: int | None

    def rank(self, history: History, decisions: Decisions, _: Occurrences) -> Ints:
        """Return the first items of each decision, shape (D, K)."""
        blocks = popularity_blocks(history, decisions, self.window_days)
        return np.concatenate([first_items(counts) for _, counts in blocks] or [_none()])


@dataclass(frozen=True)
class RepeatAndPopularity:
    """Own purchases, halved after each half-life, plus popularity as a share of the highest."""

    half_life_days: float | None
    window_days: int | None
    weight: float

    def rank(self, history: History, decisions: Decisions, by_user: Occurrences) -> Ints:
        """Return the first items of each decision, shape (D, K)."""
        ranked = [_none()[:, : min(K, len(history.items))]]
        for indexes, counts in popularity_blocks(history, decisions, self.window_days):
            own = OwnPast.of(history, decisions.part(indexes), by_user)
            share = counts / np.maximum(counts.max(axis=1, keepdims=True), 1.0)
            own_scores = own.decayed(self.half_life_days).toarray()
            ranked.append(first_items(own_scores + self.weight * share))
        return np.concatenate(ranked)


Baseline = Popularity | RepeatAndPopularity


def grids() -> dict[str, tuple[Baseline, ...]]:
    """Return name → the configurations that validation chooses between."""
    return {
        POPULARITY: tuple(Popularity(days) for days in WINDOWS_DAYS),
        REPEAT: tuple(
            RepeatAndPopularity(half_life, days, weight)
            for half_life in HALF_LIVES_DAYS
            for days in (28,)
            for weight in WEIGHTS
        ),
    }


def popularity_blocks(
    history: History, decisions: Decisions, window_days: int | None
) -> Iterator[tuple[Ints, Floats]]:
    """Yield indexes and counts, shape (B, N), of a block of decisions, which are in time order."""
    counts = RunningCounts(history, None if window_days is None else window_days * DAY)
    for start in range(0, decisions.t.size, _BLOCK):
        indexes = np.arange(start, min(start + _BLOCK, decisions.t.size))
        yield indexes, np.stack([counts.at(int(t)).copy() for t in decisions.t[indexes]])


def _none() -> Ints:
    return np.empty((0, K), dtype=np.int64)
