"""Each candidate relative to the user's taste: items clicked and items ignored.

For every category and list field, the values of the clicked items are compared with the values
of the ignored items.
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
"""Half-life of a click's weight, in `fading`."""

STRENGTH = 2.0
"""Weight of the user's overall click share in the smoothed share of a value, in impressions."""


def taste(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`taste__<column>_<measure>` per field; `taste__lift`, their lifts together.

    `…_fading` is the candidate's share of the clicks, weighted by their age; `…_entropy` is the
    breadth of the user's taste, in nats.
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
    """Weights of the clicks by their age, newest first."""
    at = np.array(recent.clicked_at, dtype=np.float64)
    weights: Floats = np.exp2((at - t) / HALF_LIFE)
    return weights


def _profile(values: RecentValues, clicked: Floats, weights: Floats) -> Floats:
    """A user's taste, shape (5, numbers).

    For each value: whether it was clicked, its shares of the clicked and of the ignored items, the
    logarithm of its smoothed click share over the overall share, and its share of the weights.

    Args:
        values: of the recent items.
        clicked: shape (numbers,), number of clicked items with each value.
        weights: of the clicks, newest first.
    """
    n, m = values.clicks, values.passes
    total_of = {clicks: weights[:clicks].sum() if clicks else math.nan for clicks in {*n.tolist()}}
    totals = [*map(total_of.__getitem__, n.tolist())]
    by_field = [(n + 1) / (n + m + 2), np.maximum(n, 1), np.maximum(m, 1), totals]
    overall, clicks, passes, total = np.array(by_field).repeat(values.listed.sizes, axis=1)
    ignored, faded = values.ignored(), values.listed.weighed(weights[: values.longest])
    share = (clicked + STRENGTH * overall) / (clicked + ignored + STRENGTH)
    return np.array(
        [clicked > 0, clicked / clicks, ignored / passes, np.log(share / overall), faded / total]
    )


def _measured(profile: Floats, candidates: FieldValues) -> Floats:
    """Aggregate the profile of the candidates' values, (5, V), to `MEASURES`: (7, F, N)."""
    sums = candidates.items.sums(profile)
    _, clicked, ignored, lift, faded = candidates.items.shared(sums)
    highest = candidates.items.highest(profile[3])
    return candidates.by_field(np.array([sums[0], clicked, ignored, lift, highest, sums[3], faded]))
