"""The user's row of recent interactions, as lists.

`clicked_*` and `shown_*` are parallel arrays, newest first.  An impression counts as ignored if the
user has not clicked the item since.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.request_features.context import (
    FieldValues,
    Floats,
    RequestContext,
    as_list,
    is_present,
)
from feature_repo.request_features.families.listed import Ints, Listed, numbers_of


@dataclass(frozen=True)
class Recent:
    """Ids and instants of the last clicked and the last shown items, newest first."""

    clicked: list[str]
    clicked_at: list[int]
    shown: list[str]
    shown_at: list[int]
    ignored: list[int]

    @classmethod
    def of(cls, context: RequestContext) -> "Recent | None":
        """Return the row; None if the user has none."""
        if "recent" not in context.memo:
            context.memo["recent"] = cls._read(context)
        recent: Recent | None = context.memo["recent"]
        return recent

    @classmethod
    def _read(cls, context: RequestContext) -> "Recent | None":
        if not is_present(context.user, "user_recent"):
            return None
        clicked, clicked_at = _list(context, "clicked_item_ids"), _list(context, "clicked_at")
        shown, shown_at = _list(context, "shown_item_ids"), _list(context, "shown_at")
        return cls(
            clicked, clicked_at, shown, shown_at, _ignored(clicked, clicked_at, shown, shown_at)
        )

    def texts(self, context: RequestContext, column: str) -> tuple[list[Any], list[Any]]:
        """Return a field's values of the clicked and of the ignored items, one text an item."""
        clicked, shown = _list(context, f"clicked_{column}"), _list(context, f"shown_{column}")
        ignored = self.ignored[: bisect_left(self.ignored, len(shown))]
        return clicked, [*map(shown.__getitem__, ignored)]

    def met(self, context: RequestContext) -> "Met":
        """Return the lists and the candidates as numbers."""
        if "met" not in context.memo:
            context.memo["met"] = Met.of(self, context.item_ids)
        met: Met = context.memo["met"]
        return met

    def values(self, context: RequestContext, columns: Sequence[str]) -> "RecentValues":
        """Return the values of the clicked and the ignored items in the taste fields."""
        if "recent values" not in context.memo:
            texts = [self.texts(context, column) for column in columns]
            context.memo["recent values"] = RecentValues.of(texts, context.taste_values(columns))
        values: RecentValues = context.memo["recent values"]
        return values


@dataclass(frozen=True)
class Met:
    """The recent items as numbers; all other items share the last number.

    Attributes:
        size: number of numbers.
        clicked: of the clicked items.
        shown: of the shown items.
        candidates: shape (N,), of the candidates.
    """

    size: int
    clicked: Ints
    shown: Ints
    candidates: Ints

    @classmethod
    def of(cls, recent: Recent, item_ids: Sequence[str]) -> "Met":
        """Assign a number to each item."""
        code = {item: n for n, item in enumerate(dict.fromkeys([*recent.clicked, *recent.shown]))}
        lists = (recent.clicked, recent.shown, item_ids)
        return cls(len(code) + 1, *(numbers_of(code, items, len(code)) for items in lists))

    def times(self, items: Ints) -> Floats:
        """Return how often each item is in a list, shape (size,)."""
        return np.bincount(items, minlength=self.size).astype(np.float64)

    def last(self, items: Ints, instants: Sequence[int]) -> Floats:
        """Return when each item was last in a list, shape (size,); NaN if never."""
        last = np.full(self.size, np.nan)
        last[items[::-1]] = instants[::-1]
        return last


@dataclass(frozen=True)
class RecentValues:
    """Values of the recent items in F fields, as numbers.

    Attributes:
        listed: for each field the clicked items, padded to `longest`, then the ignored ones.
        longest: number of clicked items in the longest field.
        clicks: shape (F,), number of clicked items of each field.
        passes: shape (F,), number of ignored items of each field.
        candidates: shape (V,), the number of each value of the candidates.
    """

    listed: Listed
    longest: int
    clicks: Ints
    passes: Ints
    candidates: Ints

    @classmethod
    def of(
        cls, texts: Sequence[tuple[list[Any], list[Any]]], candidates: FieldValues
    ) -> "RecentValues":
        """Assign a number to each value of the clicked, the ignored and the candidate items."""
        sizes = [(len(clicked), len(ignored)) for clicked, ignored in texts]
        longest = max((clicks for clicks, _ in sizes), default=0)
        listed = Listed.of(
            [[*clicked, *[None] * (longest - len(clicked)), *ignored] for clicked, ignored in texts]
        )
        clicks, passes = np.array(sizes, np.int64).reshape(-1, 2).T
        return cls(listed, longest, clicks, passes, listed.numbers_in(candidates))

    def clicked(self, first: int) -> Floats:
        """Return how many of the first few clicked items have each value, shape (numbers,)."""
        return self.listed.counted(self.listed.positions < min(first, self.longest))

    def ignored(self) -> Floats:
        """Return how many ignored items have each value, shape (numbers,)."""
        return self.listed.counted(self.listed.positions >= self.longest)


def _ignored(
    clicked: list[str], clicked_at: list[int], shown: list[str], shown_at: list[int]
) -> list[int]:
    """Indexes in the shown list of items that were not clicked at or after that impression."""
    last_click: dict[str, int] = {}
    for item, at in zip(clicked, clicked_at, strict=False):
        last_click.setdefault(item, at)
    never = -1
    return [
        n
        for n, (item, at) in enumerate(zip(shown, shown_at, strict=False))
        if last_click.get(item, never) < at
    ]


def _list(context: RequestContext, feature: str) -> list[Any]:
    return as_list(context.user.get(f"user_recent__{feature}"))
