"""Each candidate against the user's taste: what they clicked and what they passed over.

For every category and list field, the values of the user's recently clicked items are weighed
against those of the items shown and ignored.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.recent import Recent
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts

MEASURES = ("matches", "clicked_share", "ignored_share", "lift_mean", "lift_max", "lift_sum")
STRENGTH = 2.0
"""Impressions that the user's overall click share is worth when a value's own share is judged."""


def taste(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`taste__<column>_<measure>` per field; `taste__lift`, their lifts together."""
    recent = Recent.of(facts)
    columns: dict[str, Floats] = {}
    for field in shop.taste_fields:
        measured = _measures(facts, recent, field.column)
        columns |= {
            f"taste__{field.column}_{name}": values
            for name, values in zip(MEASURES, measured, strict=True)
        }
    sums = [columns[f"taste__{field.column}_lift_sum"] for field in shop.taste_fields]
    blank = np.full(len(facts.item_ids), np.nan)
    return {**columns, "taste__lift": np.sum(sums, axis=0) if sums else blank}


def _measures(facts: SlateFacts, recent: Recent | None, column: str) -> Floats:
    candidates = facts.item_values(f"item_attributes__{column}")
    if recent is None:
        return np.full((len(MEASURES), len(candidates)), np.nan)
    return Profile.of(*recent.values(facts, column)).measure(candidates)


@dataclass(frozen=True)
class Profile:
    """A user's taste in one field.

    Attributes:
        code: each known value's row in `table`.
        table: shape (values + 1, 4): clicked share, ignored share, lift and whether it was clicked;
            the last row is that of any value not met before.
    """

    code: dict[str, int]
    table: Floats

    @classmethod
    def of(cls, clicked: list[list[str]], ignored: list[list[str]]) -> "Profile":
        """Weigh the values of clicked items against those of ignored ones."""
        liked = Counter(value for values in clicked for value in values)
        passed = Counter(value for values in ignored for value in values)
        code = {value: n for n, value in enumerate({**liked, **passed})}
        c = np.array([liked[value] for value in code] + [0], dtype=np.float64)
        i = np.array([passed[value] for value in code] + [0], dtype=np.float64)
        lift = _lift(c, i, len(clicked), len(ignored))
        shares = c / max(len(clicked), 1), i / max(len(ignored), 1)
        return cls(code, np.stack([*shares, lift, c > 0], axis=1))

    def measure(self, candidates: list[tuple[str, ...]]) -> Floats:
        """Shape (6, N): the measures of each candidate; 0 matches where it has no value."""
        sizes = np.array([len(values) for values in candidates], dtype=np.int64)
        rows = self.table[[self.code.get(v, -1) for values in candidates for v in values]]
        sums, highest = _folded(rows, sizes)
        with np.errstate(invalid="ignore"):
            means = sums / np.where(sizes, sizes, np.nan)[:, None]
        return np.stack([sums[:, 3], *means[:, :3].T, highest, sums[:, 2]])


def _lift(clicked: Floats, ignored: Floats, clicks: int, passes: int) -> Floats:
    """Logarithm of a value's smoothed click share over the user's own, 0 without evidence."""
    usual = (clicks + 1) / (clicks + passes + 2)
    share = (clicked + STRENGTH * usual) / (clicked + ignored + STRENGTH)
    lift: Floats = np.log(share / usual)
    return lift


def _folded(rows: Floats, sizes: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sums of the rows of each candidate (N, 4), and the highest lift (N,)."""
    sums = np.zeros((sizes.size, 4))
    highest = np.full(sizes.size, np.nan)
    filled = sizes > 0
    if filled.any():
        starts = (np.cumsum(sizes) - sizes)[filled]
        sums[filled] = np.add.reduceat(rows, starts, axis=0)
        highest[filled] = np.maximum.reduceat(rows[:, 2], starts)
    return sums, highest
