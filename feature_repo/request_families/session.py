"""The visit under way: how long and how fast, and each candidate against what was met in it.

A visit is what of the user's recent past follows upon one another with no pause of half an hour.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from feature_repo.instants import MINUTE, SECOND
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.recent import Recent, times
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts, looked_up

PAUSE = 30 * MINUTE
_VISIT = ("seconds", "slates", "clicks", "shown", "pace_seconds", "click_share")


def session(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`session__<measure>`, NaN without a row; `…_<column>_share` of its clicks per taste field."""
    recent, visit = Recent.of(facts), Visit.of(facts)
    told = visit.measures() if visit else (float("nan"),) * len(_VISIT)
    columns: dict[str, Floats | float] = dict(
        zip((f"session__{name}" for name in _VISIT), told, strict=True)
    )
    blank = facts.blank
    clicked = Counter(recent.clicked[: visit.clicks]) if recent and visit else Counter[str]()
    shown = Counter(recent.shown[: visit.shown]) if recent and visit else Counter[str]()
    columns["session__item_clicked"] = _times(facts, clicked) if visit else blank
    columns["session__item_shown"] = _times(facts, shown) if visit else blank
    for field in shop.taste_fields:
        texts = recent.texts(facts, field.column)[0][: visit.clicks] if recent and visit else []
        columns[f"session__{field.column}_share"] = _shares(facts, field.column, texts)
    return columns


@dataclass(frozen=True)
class Visit:
    """The visit under way at t: how many of the recent lists' first entries belong to it."""

    t: int
    began: int
    slates: int
    clicks: int
    shown: int

    @classmethod
    def of(cls, facts: SlateFacts) -> "Visit | None":
        """None where the user has no row; one that has just begun is empty."""
        recent = Recent.of(facts)
        if recent is None:
            return None
        instants = sorted({*recent.clicked_at, *recent.shown_at, facts.t}, reverse=True)
        pauses = (n for n, (later, at) in enumerate(pairwise(instants)) if later - at >= PAUSE)
        began = instants[next(pauses, len(instants) - 1)]
        shown = [at for at in recent.shown_at if at >= began]
        clicks = sum(at >= began for at in recent.clicked_at)
        return cls(facts.t, began, len(set(shown)), clicks, len(shown))

    def measures(self) -> tuple[float, ...]:
        """As `_VISIT` names them."""
        seconds = (self.t - self.began) / SECOND
        return (
            seconds,
            float(self.slates),
            float(self.clicks),
            float(self.shown),
            seconds / self.slates if self.slates else float("nan"),
            self.clicks / self.shown if self.shown else float("nan"),
        )


def _times(facts: SlateFacts, met: Counter[str]) -> Floats:
    return looked_up(met, facts.item_ids)


def _shares(facts: SlateFacts, column: str, clicked: list[Any]) -> Floats:
    """Share of the visit's clicked items that have a candidate's value; NaN without a click."""
    candidates = facts.item_values(f"item_attributes__{column}")
    if not clicked:
        return np.full(candidates.sizes.size, np.nan)
    return candidates.means(candidates.looked_up(times(clicked)) / len(clicked))
