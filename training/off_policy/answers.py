"""Answers of the log whose order was drawn: their candidates, probabilities and clicks.

Aisle logs the probability of each item given the items above it.  Of a drawn page it also logs the
temperature and each item's rank before the draw, from which follow the probabilities over all draws
(`positions.py`); they count only where they reproduce the logged ones.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import DAY, Home
from feature_repo.transformations import LogSlice, open_served, opened, stage
from training.dataset import bots_to_skip
from training.metrics import Floats, Ints
from training.off_policy.positions import drawn_conditional, slot_probabilities
from training.off_policy.slates import LoggedSlates

_SQL = Path(__file__).parent / "answers.sql"
_MEMORY_LIMIT = "1GB"
BATCH = 1000
_COPIED = (
    "request_id",
    "user_id",
    "session_id",
    "surface",
    "query",
    "market",
    "utc_offset_minutes",
    "t",
)

NOT_SHOWN = "not reported as shown"
OTHER_ORDER = "shown in another order than answered"
OTHER_PROPENSITY = "propensities do not follow from ranks and temperature"


@dataclass(frozen=True)
class Answer:
    """One answer that was shown.

    Attributes:
        t: µs, the instant of its features.
        item_ids: shown ones, best first.
        candidates: all that the draw chose from, and the items of fixed slots; in order of id, so
            that a policy sees nothing of the draw.
        conditional, marginal: of each shown item in its slot.
        clicked: shown items with a click, cart or purchase.
    """

    request_id: str
    user_id: str | None
    session_id: str | None
    surface: str | None
    query: str | None
    market: str
    utc_offset_minutes: int | None
    t: int
    item_ids: Sequence[str]
    candidates: Sequence[str]
    conditional: Floats
    marginal: Floats
    clicked: frozenset[str]


@dataclass(frozen=True)
class Answers:
    """The answers that can be evaluated, and why others cannot.

    Attributes:
        skipped: number of drawn answers, by reason.
    """

    answers: Sequence[Answer]
    skipped: Mapping[str, int]

    @classmethod
    def read(cls, home: Home, since: int, until: int) -> "Answers":
        """Read the compacted log of a home.

        Args:
            since, until: instants of the answers, µs; the end is excluded.
        """
        used, skipped = [], Counter[str]()
        for row in _rows(home, since, until):
            answer = _answer(row)
            if isinstance(answer, str):
                skipped[answer] += 1
            else:
                used.append(answer)
        return cls(used, skipped)

    @cached_property
    def number(self) -> Mapping[str, int]:
        """The number of each item of any slate or candidate list."""
        ids = {item for answer in self.answers for item in answer.candidates}
        return {item: n for n, item in enumerate(sorted(ids))}

    @cached_property
    def slates(self) -> LoggedSlates:
        """The slates as arrays."""
        longest = max((len(answer.item_ids) for answer in self.answers), default=0)
        shape = (len(self.answers), longest)
        items, rewards = np.full(shape, -1), np.zeros(shape)
        conditional, marginal = np.ones(shape), np.ones(shape)
        for n, answer in enumerate(self.answers):
            size = len(answer.item_ids)
            items[n, :size] = [self.number[item] for item in answer.item_ids]
            rewards[n, :size] = [item in answer.clicked for item in answer.item_ids]
            conditional[n, :size], marginal[n, :size] = answer.conditional, answer.marginal
        shoppers = [
            ("user", a.user_id) if a.user_id else ("session", a.session_id or a.request_id)
            for a in self.answers
        ]
        numbers = {shopper: n for n, shopper in enumerate(dict.fromkeys(shoppers))}
        return LoggedSlates(
            items,
            np.broadcast_to(np.arange(1, longest + 1), shape),
            rewards,
            conditional,
            marginal,
            np.array([numbers[shopper] for shopper in shoppers], dtype=np.int64),
            len(self.number),
        )

    @cached_property
    def candidates(self) -> Sequence[Ints]:
        """The item numbers that the draw of each answer chose from."""
        return [np.array([self.number[item] for item in a.candidates]) for a in self.answers]

    def numbered(self, orders: Sequence[Sequence[str]]) -> Ints:
        """Return the item numbers of the slates that orders fill, shape (S, K).

        Args:
            orders: of each answer, its candidates or some of them, best first.
        """
        table = np.full(self.slates.items.shape, -1)
        for n, (answer, order) in enumerate(zip(self.answers, orders, strict=True)):
            first = order[: len(answer.item_ids)]
            table[n, : len(first)] = [self.number[item] for item in first]
        return table


def _rows(home: Home, since: int, until: int) -> Iterator[dict[str, Any]]:
    log = LogSlice.seen_since(home, since)
    with opened(log, home.root / "off_policy", _MEMORY_LIMIT) as db:
        for table in ("stg_rankings", "stg_interactions"):
            stage(db, table)
        open_served(db, home, since)
        db.register("bots", bots_to_skip(home))
        span = {"since": since, "until": until, "day": DAY}
        rows = db.sql(_SQL.read_text(encoding="utf-8"), params=span)
        for batch in rows.to_arrow_reader(BATCH):
            yield from batch.to_pylist()


def _answer(row: Mapping[str, Any]) -> Answer | str:
    """Return an answer that can be evaluated, or why it cannot."""
    item_ids, shown_ids = row["item_ids"], row["shown_ids"]
    if not shown_ids:
        return NOT_SHOWN
    size = len(shown_ids)
    if shown_ids != item_ids[:size]:
        return OTHER_ORDER
    conditional: Floats = np.array(row["propensities"])
    marginal: Floats | None = conditional
    if row["temperature"] is not None:
        scores, unshown = np.array(row["scores"]), len(row["considered"])
        marginal = _drawn(conditional, scores, unshown, row["temperature"])
    if marginal is None:
        return OTHER_PROPENSITY
    return Answer(
        **{name: row[name] for name in _COPIED},
        item_ids=shown_ids,
        candidates=sorted({*item_ids, *row["considered"]}),
        conditional=conditional[:size],
        marginal=marginal[:size],
        clicked=frozenset(row["clicked_ids"]),
    )


def _drawn(conditional: Floats, scores: Floats, unshown: int, temperature: float) -> Floats | None:
    """Return the probability of each item of a drawn page in its slot over all draws.

    None where ranks and temperature do not reproduce the logged probabilities.

    Args:
        conditional: logged, shape (K,); 1 for the items of fixed slots.
        scores: shape (K,), -ln(rank) of drawn items.
        unshown: candidates that were not drawn.
    """
    with np.errstate(over="ignore"):
        exact = np.exp(-scores)
    is_drawn = (conditional < 1) | ((exact >= 0.5) & (np.abs(exact - np.rint(exact)) < 1e-9))
    candidates = int(is_drawn.sum()) + unshown
    ranks = np.rint(np.where(is_drawn, exact, 1.0)[is_drawn])
    if not np.all((ranks >= 1) & (ranks <= candidates)):
        return None
    ranks = ranks.astype(np.int64)
    recomputed = drawn_conditional(ranks, candidates, temperature)
    if not np.allclose(recomputed, conditional[is_drawn], rtol=1e-6, atol=0):
        return None
    marginal = np.ones_like(conditional)
    table = slot_probabilities(candidates, temperature, len(ranks))
    marginal[is_drawn] = table[ranks - 1, np.arange(len(ranks))]
    return marginal
