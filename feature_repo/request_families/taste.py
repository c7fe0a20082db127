"""Each candidate against the user's taste: what they clicked and what they passed over.

For every category and list field, the values of the user's recently clicked items are weighed
against those of the items shown and ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.instants import DAY
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.query_items import entropy
from feature_repo.request_families.recent import Recent, split, times
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, ItemValues, SlateFacts, looked_up

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
    columns: dict[str, Floats] = {}
    widths: dict[str, float] = {}
    for field in shop.taste_fields:
        clicked = recent.texts(facts, field.column)[0] if recent else []
        measured = _measures(facts, recent, field.column)
        columns |= {
            f"taste__{field.column}_{name}": values
            for name, values in zip(MEASURES, measured, strict=True)
        }
        columns[f"taste__{field.column}_fading"] = _fading(facts, recent, field.column, clicked)
        clicks = np.array([*times(clicked).values()], dtype=np.float64)
        widths[f"taste__{field.column}_entropy"] = entropy(clicks)
    sums = [columns[f"taste__{field.column}_lift_sum"] for field in shop.taste_fields]
    blank = np.full(len(facts.item_ids), np.nan)
    return {**columns, **widths, "taste__lift": np.sum(sums, axis=0) if sums else blank}


def _fading(facts: SlateFacts, recent: Recent | None, column: str, clicked: list[Any]) -> Floats:
    candidates = facts.item_values(f"item_attributes__{column}")
    if recent is None or not clicked:
        return np.full(candidates.sizes.size, np.nan)
    weights = np.exp2((np.array(recent.clicked_at[: len(clicked)]) - facts.t) / HALF_LIFE)
    faded: dict[str, float] = {}
    for text, weight in zip(clicked, weights.tolist(), strict=False):
        for value in split(text):
            faded[value] = faded.get(value, 0.0) + weight
    return candidates.means(candidates.looked_up(faded) / weights.sum())


def _measures(facts: SlateFacts, recent: Recent | None, column: str) -> Sequence[Floats]:
    candidates = facts.item_values(f"item_attributes__{column}")
    if recent is None:
        return [np.full(candidates.sizes.size, np.nan)] * len(MEASURES)
    return Profile.of(*recent.texts(facts, column)).measure(candidates)


@dataclass(frozen=True)
class Profile:
    """A user's taste in one field.

    Attributes:
        code: each known value's place in the arrays below; the last place is any other value's.
        clicked: share of the clicked items that have the value.
        ignored: share of the ignored items that have it.
        lift: logarithm of the value's smoothed click share over the user's own.
    """

    code: dict[str, int]
    clicked: Floats
    ignored: Floats
    lift: Floats

    @classmethod
    def of(cls, clicked: Sequence[Any], ignored: Sequence[Any]) -> "Profile":
        """Weigh the values of clicked items against those of ignored ones, a text an item."""
        liked, passed = times(clicked), times(ignored)
        code = {value: n for n, value in enumerate(dict.fromkeys([*liked, *passed]))}
        c, i = (np.append(looked_up(counts, code), 0.0) for counts in (liked, passed))
        clicks, passes = len(clicked), len(ignored)
        return cls(code, c / max(clicks, 1), i / max(passes, 1), _lift(c, i, clicks, passes))

    def measure(self, candidates: ItemValues) -> Sequence[Floats]:
        """`MEASURES` of N candidates, each of shape (N,)."""
        place = candidates.looked_up(self.code, -1).astype(np.int64)
        clicked, lift = self.clicked[place], self.lift[place]
        return (
            candidates.sums((clicked > 0).astype(np.float64)),
            candidates.means(clicked),
            candidates.means(self.ignored[place]),
            candidates.means(lift),
            candidates.highest(lift),
            candidates.sums(lift),
        )


def _lift(clicked: Floats, ignored: Floats, clicks: int, passes: int) -> Floats:
    """Of counts of one value among clicked and ignored items; 0 without evidence."""
    usual = (clicks + 1) / (clicks + passes + 2)
    share = (clicked + STRENGTH * usual) / (clicked + ignored + STRENGTH)
    lift: Floats = np.log(share / usual)
    return lift
