"""Each candidate against the user's taste: what they clicked and what they passed over.

For every category and list field, the values of the user's recently clicked items are weighed
against those of the items shown and ignored.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from feature_repo.instants import DAY
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.query_items import entropy
from feature_repo.request_families.recent import Recent, split, times
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, ItemValues, SlateFacts

MEASURES = ("matches", "clicked_share", "ignored_share", "lift_mean", "lift_max", "lift_sum")
HALF_LIFE = 7 * DAY
"""After which a click weighs half, where taste fades."""

STRENGTH = 2.0
"""Impressions that the user's overall click share is worth when a value's own share is judged."""


def taste(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`taste__<column>_<measure>` per field; `taste__lift`, their lifts together.

    `…_fading` is the candidate's share of the clicks, each weighed by its age; `…_entropy` tells
    how wide the user's taste is, in nats.
    """
    recent = Recent.of(facts)
    weights = _weights(facts.t, recent)
    columns: dict[str, Floats] = {}
    widths: dict[str, float] = {}
    for field in shop.taste_fields:
        name, width = f"taste__{field.column}", math.nan
        measured: Iterable[Floats] = [facts.blank] * (len(MEASURES) + 1)
        if recent is not None:
            profile = Profile.of(*recent.texts(facts, field.column), weights)
            measured = profile.measure(facts.item_values(f"item_attributes__{field.column}"))
            width = entropy(profile.clicks)
        columns |= zip((f"{name}_{m}" for m in (*MEASURES, "fading")), measured, strict=True)
        widths[f"{name}_entropy"] = width
    sums = [columns[f"taste__{field.column}_lift_sum"] for field in shop.taste_fields]
    return {**columns, **widths, "taste__lift": np.sum(sums, axis=0) if sums else facts.blank}


def _weights(t: int, recent: Recent | None) -> Floats:
    """Of the clicks, newest first, by their age."""
    at = np.array(recent.clicked_at if recent else [], dtype=np.float64)
    weights: Floats = np.exp2((at - t) / HALF_LIFE)
    return weights


@dataclass(frozen=True)
class Profile:
    """A user's taste in one field.

    Attributes:
        code: each known value's place among K; the place behind them is any other value's.
        clicks: how many clicked items have each of the values that were clicked.
        table: shape (5, K + 1); of each value whether it was clicked, its shares of the clicked
            and of the ignored items, the logarithm of its smoothed click share over the user's
            own, and its share of the weights of clicks.
    """

    code: dict[str, int]
    clicks: Floats
    table: Floats

    @classmethod
    def of(cls, clicked: Sequence[Any], ignored: Sequence[Any], weights: Floats) -> "Profile":
        """Weigh the values of clicked items against those of ignored ones, a text an item.

        Args:
            clicked: newest first.
            ignored: in any order.
            weights: of the clicked items.
        """
        liked, passed, faded = times(clicked), times(ignored), _faded(clicked, weights)
        code = {value: n for n, value in enumerate(dict.fromkeys([*liked, *passed]))}
        c, i, w = (_counted(counts, code) for counts in (liked, passed, faded))
        total = weights[: len(clicked)].sum() if clicked else math.nan
        shares = c / max(len(clicked), 1), i / max(len(ignored), 1)
        lift = _lift(c, i, len(clicked), len(ignored))
        return cls(code, c[: len(liked)], np.array([c > 0, *shares, lift, w / total]))

    def measure(self, candidates: ItemValues) -> Sequence[Floats]:
        """`MEASURES` of N candidates, then how much of the faded clicks they share: (N,) each."""
        place = candidates.looked_up(self.code, len(self.code)).astype(np.int64)
        found = self.table[:, place].T
        sums = candidates.sums(found).T
        _, clicked, ignored, lift, faded = sums / candidates.known_sizes
        return sums[0], clicked, ignored, lift, candidates.highest(found[:, 3]), sums[3], faded


def _counted(counts: Mapping[str, float], values: Iterable[str]) -> Floats:
    """Shape (K + 1,): of each value, then of any other."""
    return np.array([*map(counts.get, values, repeat(0.0)), 0.0], dtype=np.float64)


def _faded(clicked: Sequence[Any], weights: Floats) -> dict[str, float]:
    faded: dict[str, float] = {}
    for text, weight in zip(clicked, weights.tolist(), strict=False):
        for value in split(text):
            faded[value] = faded.get(value, 0.0) + weight
    return faded


def _lift(clicked: Floats, ignored: Floats, clicks: int, passes: int) -> Floats:
    """Of counts of one value among clicked and ignored items; 0 without evidence."""
    usual = (clicks + 1) / (clicks + passes + 2)
    share = (clicked + STRENGTH * usual) / (clicked + ignored + STRENGTH)
    lift: Floats = np.log(share / usual)
    return lift
