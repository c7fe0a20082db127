"""Impressions and clicks of each candidate by this user, and the times since."""

import math

import numpy as np

from feature_repo.home import SECOND
from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.recent import Recent
from feature_repo.shop import Shop

_CANDIDATE = named(
    "history__{}", ("times_clicked", "times_shown", "clicked_seconds", "shown_seconds")
)
_USER = named(
    "history__{}",
    ("last_click_seconds", "last_shown_seconds", "recent_clicks", "recent_shown", "recent_share"),
)


def history(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`history__<measure>`: of the candidate by this user, then of the user; NaN without a row."""
    recent = Recent.of(context)
    if recent is None:
        return [Block(_CANDIDATE + _USER, [math.nan] * len(_CANDIDATE + _USER))]
    met = recent.met(context)
    lists = ((met.clicked, recent.clicked_at), (met.shown, recent.shown_at))
    table = [met.times(items) for items, _ in lists]
    table += [(context.t - met.last(items, instants)) / SECOND for items, instants in lists]
    return [
        Block(_CANDIDATE, np.array(table)[:, met.candidates]),
        Block(_USER, _of_user(context.t, recent)),
    ]


def _of_user(t: int, recent: Recent) -> tuple[float, ...]:
    clicked, ignored = len(recent.clicked), len(recent.ignored)
    return (
        _since(t, recent.clicked_at),
        _since(t, recent.shown_at),
        float(clicked),
        float(len(recent.shown)),
        clicked / (clicked + ignored) if clicked + ignored else math.nan,
    )


def _since(t: int, instants: list[int]) -> float:
    return (t - instants[0]) / SECOND if instants else math.nan
