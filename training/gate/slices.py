"""No slice may collapse, such as users without a past, items of the tail, a market, a language.

Slices are compared with the ranker in use, or without one with the best baseline.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from feature_repo.shop import Shop
from training.dataset import Dataset, slices_of
from training.gate.comparison import Comparison
from training.gate.limits import SLICE_MARGIN
from training.gate.result import GuardrailResult
from training.metrics import LEAST_CLUSTERS, Bools, mean_interval, slate_starts
from training.ranker import users_of

SLICES = "slices"


def check_slices(comparison: Comparison, shop: Shop) -> GuardrailResult:
    """Check that no slice with enough users is clearly worse by more than the margin."""
    users, differences = users_of(comparison.data), comparison.differences
    measured: list[dict[str, Any]] = []
    for name, selected in (
        slices_of(comparison.data) | _by_language(comparison.data, shop)
    ).items():
        inside = selected & ~np.isnan(differences)
        count = np.unique(users[inside]).size
        if count >= LEAST_CLUSTERS:
            interval = mean_interval(differences[inside], users[inside])
            measured.append({"slice": name, "users": count, **vars(interval)})
    if not measured:
        reason = f"No slice has {LEAST_CLUSTERS} users."
        return GuardrailResult.not_measured(SLICES, reason)
    collapsed = [one for one in measured if one["high"] < -SLICE_MARGIN]
    worst = min(measured, key=lambda one: one["high"])
    text = "; ".join(map(_in_words, collapsed or [worst]))
    reason = (
        f"Collapsed against the {comparison.other}: {text}."
        if collapsed
        else f"None of {len(measured)} slices is clearly worse by {SLICE_MARGIN}; worst: {text}."
    )
    return GuardrailResult.of(
        SLICES, not collapsed, reason, worst["high"], -SLICE_MARGIN, slices=measured
    )


def _by_language(data: Dataset, shop: Shop) -> dict[str, Bools]:
    """Return the slates of each language, shape (Q,); none where all have one."""
    markets = data.column("market")[slate_starts(data.column("qid"))]
    language = {name: shop.market(name).language for name in set(markets) - {None}}
    if len(set(language.values())) < 2:
        return {}
    return {
        f"language {one}": np.array([language.get(name) == one for name in markets])
        for one in sorted(set(language.values()))
    }


def _in_words(one: Mapping[str, Any]) -> str:
    return f"{one['slice']} {one['value']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"
