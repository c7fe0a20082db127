"""Each candidate against the user's taste: what they clicked and what they passed over.

For every category and list field, the values of the user's recently clicked items are weighed
against those of the items shown and ignored.
"""

import math

import numpy as np

from feature_repo.home import DAY
from feature_repo.request_features.context import FieldValues, Floats, RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.query_items import entropy
from feature_repo.request_features.families.recent import Recent, RecentValues
from feature_repo.shop import Shop

MEASURES = (
    *("matches", "clicked_share", "ignored_share", "lift_mean", "lift_max", "lift_sum"),
    "fading",
)
_LIFT = "taste__lift"
HALF_LIFE = 7 * DAY
"""After which a click weighs half, where taste fades."""

STRENGTH = 2.0
"""Impressions that the user's overall click share is worth when a value's own share is judged."""


def taste(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`taste__<column>_<measure>` per field; `taste__lift`, their lifts together.

    `…_fading` is the candidate's share of the clicks, each weighed by its age; `…_entropy` tells
    how wide the user's taste is, in nats.
    """
    fields, recent = shop.taste_columns, Recent.of(context)
    measures, widths = named("taste__{}_{}", fields, MEASURES), named("taste__{}_entropy", fields)
    if recent is None or not fields:
        names = (*measures, *widths, _LIFT)
        return [Block(names, [math.nan] * len(names))]
    values = recent.values(context, fields)
    clicked = values.clicked(values.longest)
    profile = _profile(values, clicked, _weights(context.t, recent))
    measured = _measured(profile.take(values.candidates, axis=1), context.taste_values(fields))
    return [
        Block(measures, measured.swapaxes(0, 1)),
        Block(widths, [entropy(c[c > 0]) for c in values.listed.by_field(clicked)]),
        Block((_LIFT,), measured[MEASURES.index("lift_sum")].sum(axis=0)[None]),
    ]


def _weights(t: int, recent: Recent) -> Floats:
    """Of the clicks, newest first, by their age."""
    at = np.array(recent.clicked_at, dtype=np.float64)
    weights: Floats = np.exp2((at - t) / HALF_LIFE)
    return weights


def _profile(values: RecentValues, clicked: Floats, weights: Floats) -> Floats:
    """A user's taste, shape (5, numbers).

    Of each value whether it was clicked, its shares of the clicked and of the ignored items, the
    logarithm of its smoothed click share over the user's own, and its share of the weights.

    Args:
        values: of the recent items.
        clicked: shape (numbers,), how many clicked items have each value.
        weights: of the clicks, newest first.
    """
    n, m = values.clicks, values.passes
    total_of = {clicks: weights[:clicks].sum() if clicks else math.nan for clicks in {*n.tolist()}}
    totals = [*map(total_of.__getitem__, n.tolist())]
    by_field = [(n + 1) / (n + m + 2), np.maximum(n, 1), np.maximum(m, 1), totals]
    usual, clicks, passes, total = np.array(by_field).repeat(values.listed.sizes, axis=1)
    ignored, faded = values.ignored(), values.listed.weighed(weights[: values.longest])
    share = (clicked + STRENGTH * usual) / (clicked + ignored + STRENGTH)
    return np.array(
        [clicked > 0, clicked / clicks, ignored / passes, np.log(share / usual), faded / total]
    )


def _measured(found: Floats, candidates: FieldValues) -> Floats:
    """The profile of each of the candidates' values, shape (5, V), to `MEASURES`: (7, F, N)."""
    sums = candidates.items.sums(found)
    _, clicked, ignored, lift, faded = candidates.items.shared(sums)
    highest = candidates.items.highest(found[3])
    return candidates.by_field(np.array([sums[0], clicked, ignored, lift, highest, sums[3], faded]))
