"""What the shopper bought before, and how many orders each candidate has: for the next purchase.

The shopper's purchases are those of all time up to the last midnight (`user_purchases`), and the
newer entries of the recent list (`user_recent`).  Where a shop sends clicks too, a click of today
counts like a purchase until midnight.
"""

import math
from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY, SECOND
from feature_repo.request_features.context import (
    Floats,
    RatePrior,
    RequestContext,
    as_list,
    entity_slice,
    or_zero,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.listed import numbers_of
from feature_repo.request_features.families.recent import Recent
from feature_repo.request_features.families.stored import WINDOWS
from feature_repo.shop import Shop

HALF_LIFE_DAYS = 240
"""Time since the last purchase of an item after which its purchases count half."""

_CANDIDATE = named(
    "purchases__{}", ("times", "last_seconds", "interest", "interest_share", "to_highest", "rank")
)
_USER = named("purchases__{}", ("user_items", "user_last_seconds"))
_SHARES = named("purchases__orders_share_{}", WINDOWS)
_MEASURES = ("orders", "revenue", "returns")
_COUNTS = named("item_engagement__{}_{}", _MEASURES, WINDOWS)


def purchases(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`purchases__<measure>` of the candidate by this shopper, of the shopper, and of the slate.

    `interest` is the number of purchases, halved each 240 days since the last one; `to_highest` is
    relative to the item that the shopper is most interested in.  `orders_share_<window>` is
    relative to the candidate with most orders.
    """
    counts = entity_slice(context.counts.each(*_MEASURES), "item")
    of_items = [Block(_SHARES, _to_highest(counts[0])), Block(_COUNTS, counts)]
    past = Past.of(context)
    if past is None:
        return [Block(_CANDIDATE + _USER, [math.nan] * len(_CANDIDATE + _USER)), *of_items]
    numbers = numbers_of(past.code, context.item_ids, len(past.code))
    return [
        Block(_CANDIDATE, past.measures(context.t)[:, numbers]),
        Block(_USER, past.of_user(context.t)),
        *of_items,
    ]


@dataclass(frozen=True)
class Past:
    """The P items that the shopper bought, as numbers; all other items share the number P.

    Attributes:
        code: item → number.
        times: shape (P + 1,), purchases of each; 0 for other items.
        last_at: shape (P + 1,), µs, when it was last bought; NaN for other items.
    """

    code: dict[str, int]
    times: Floats
    last_at: Floats

    @classmethod
    def of(cls, context: RequestContext) -> "Past | None":
        """Return the purchases; None if the shopper has none."""
        items, times, bought_at = (
            as_list(context.user.get(f"user_purchases__{name}"))
            for name in ("bought_item_ids", "bought_orders", "bought_at")
        )
        counts, last = (
            dict(zip(items, times, strict=True)),
            dict(zip(items, bought_at, strict=True)),
        )
        newest = max(bought_at, default=-1)
        recent = Recent.of(context)
        entries = [] if recent is None else zip(recent.clicked, recent.clicked_at, strict=False)
        stored = frozenset(items)
        for item, at in entries:
            if item and (at > newest or item not in stored):
                counts[item] = counts.get(item, 0) + 1
                last[item] = max(last.get(item, at), at)
        if not counts:
            return None
        code = {item: number for number, item in enumerate(counts)}
        return cls(
            code,
            np.array([*counts.values(), 0], np.float64),
            np.array([*last.values(), np.nan], np.float64),
        )

    def measures(self, t: int) -> Floats:
        """Return the rows of `_CANDIDATE` by number, shape (6, P + 1)."""
        interest = or_zero(self.times * np.exp2((self.last_at - t) / (HALF_LIFE_DAYS * DAY)))
        rank = np.full(interest.size, np.nan)
        rank[np.argsort(-interest[:-1], kind="stable")] = np.arange(1, interest.size)
        return np.array(
            [
                self.times,
                (t - self.last_at) / SECOND,
                interest,
                interest / interest.sum(),
                interest / interest.max(),
                rank,
            ]
        )

    def of_user(self, t: int) -> tuple[float, float]:
        """Return the number of items, and the seconds since the last purchase."""
        return float(len(self.code)), (t - float(np.nanmax(self.last_at))) / SECOND


def _to_highest(counts: Floats) -> Floats:
    """Divide each row of (C, N) by its highest number; NaN where no number is above 0."""
    numbers = or_zero(counts)
    highest = numbers.max(axis=1, initial=0.0, keepdims=True)
    return numbers / np.where(highest > 0, highest, np.nan)
