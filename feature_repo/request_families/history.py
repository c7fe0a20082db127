"""Each candidate against what the user has seen and clicked, and the times since."""

import math
from collections import Counter

import numpy as np

from feature_repo.instants import SECOND
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.recent import Recent
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts, looked_up

_CANDIDATE = ("times_clicked", "times_shown", "clicked_seconds", "shown_seconds")
_USER = (
    "last_click_seconds",
    "last_shown_seconds",
    "recent_clicks",
    "recent_shown",
    "recent_share",
)


def history(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`history__<measure>`: of the candidate by this user, then of the user; NaN without a row."""
    recent = Recent.of(facts)
    if recent is None:
        blank = facts.blank
        return {f"history__{name}": blank for name in (*_CANDIDATE, *_USER)}
    clicks, clicked_seconds = _met(facts, recent.clicked, recent.clicked_at)
    shown, shown_seconds = _met(facts, recent.shown, recent.shown_at)
    of_candidate = zip(_CANDIDATE, (clicks, shown, clicked_seconds, shown_seconds), strict=True)
    of_user = zip(_USER, _of_user(facts.t, recent), strict=True)
    return {
        **{f"history__{name}": values for name, values in of_candidate},
        **{f"history__{name}": value for name, value in of_user},
    }


def _met(facts: SlateFacts, items: list[str], instants: list[int]) -> tuple[Floats, Floats]:
    """How often each candidate is in a list, newest first, and the seconds since it last was."""
    times, last = Counter(items), dict(zip(reversed(items), reversed(instants), strict=True))
    at = looked_up(last, facts.item_ids, np.nan)
    return looked_up(times, facts.item_ids), (facts.t - at) / SECOND


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
