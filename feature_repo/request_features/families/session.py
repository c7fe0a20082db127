"""The current visit: its length and pace, and each candidate's events in it.

A visit is a run of the user's recent events without a pause of half an hour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from feature_repo.home import MINUTE, SECOND
from feature_repo.request_features.context import Floats, RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.recent import Recent
from feature_repo.shop import Shop

PAUSE = 30 * MINUTE
_VISIT = named(
    "session__{}", ("seconds", "slates", "clicks", "shown", "pace_seconds", "click_share")
)
_MET = named("session__item_{}", ("clicked", "shown"))


def session(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`session__<measure>`, NaN without a row; `…_<column>_share` of its clicks, per taste."""
    recent, visit = Recent.of(context), Visit.of(context)
    shares = named("session__{}_share", shop.taste_columns)
    if recent is None or visit is None:
        names = (*_VISIT, *_MET, *shares)
        return [Block(names, [math.nan] * len(names))]
    met = recent.met(context)
    times = [met.times(met.clicked[: visit.clicks]), met.times(met.shown[: visit.shown])]
    return [
        Block(_VISIT, visit.measures()),
        Block(_MET, np.array(times)[:, met.candidates]),
        Block(shares, _shares(context, shop.taste_columns, recent, visit.clicks)),
    ]


@dataclass(frozen=True)
class Visit:
    """The current visit at t: how many of the first entries of the recent lists belong to it."""

    t: int
    began: int
    slates: int
    clicks: int
    shown: int

    @classmethod
    def of(cls, context: RequestContext) -> "Visit | None":
        """Return the visit; None if the user has no row, empty if it has just begun."""
        recent = Recent.of(context)
        if recent is None:
            return None
        instants = sorted({*recent.clicked_at, *recent.shown_at, context.t}, reverse=True)
        pauses = (n for n, (later, at) in enumerate(pairwise(instants)) if later - at >= PAUSE)
        began = instants[next(pauses, len(instants) - 1)]
        shown = [at for at in recent.shown_at if at >= began]
        clicks = sum(at >= began for at in recent.clicked_at)
        return cls(context.t, began, len(set(shown)), clicks, len(shown))

    def measures(self) -> tuple[float, ...]:
        """Return the values in the order of `_VISIT`."""
        seconds = (self.t - self.began) / SECOND
        return (
            seconds,
            float(self.slates),
            float(self.clicks),
            float(self.shown),
            seconds / self.slates if self.slates else math.nan,
            self.clicks / self.shown if self.shown else math.nan,
        )


def _shares(context: RequestContext, columns: Sequence[str], recent: Recent, first: int) -> Floats:
    """Shape (F, N): share of the visit's clicked items, the first few, that have a candidate's
    value in each field; NaN without a click."""
    values, candidates = recent.values(context, columns), context.taste_values(columns)
    clicks = np.minimum(values.clicks, first)
    of_each = np.where(clicks, clicks, np.nan).repeat(values.listed.sizes)
    shares = values.clicked(first) / of_each
    return candidates.by_field(candidates.items.means(shares[values.candidates]))
