"""Why the displayed order may rank the logged clicks better than a ranker: they follow it."""

from collections.abc import Mapping
from typing import Any

from training.ranker import SHOWN

_FLAT = 0.9
"""Examination of the last position, relative to the first, above which there is hardly a bias."""


def shown_order_note(evaluation: Mapping[str, Any]) -> str | None:
    """Explain that the displayed order is ahead of the ranker on test; None if it is not."""
    values = {model["name"]: model["metrics"]["ndcg@10"]["value"] for model in evaluation["models"]}
    ranker, shown = values["ranker"], values.get(SHOWN)
    curve = evaluation["training"].get("examination", {}).get("all", [])
    if ranker is None or shown is None or shown <= ranker:
        return None
    ahead = f"The {SHOWN} ranks these clicks better than the ranker ({shown:.4f} to {ranker:.4f})"
    if not curve or curve[-1] > _FLAT:
        return f"{ahead}.  The click model finds no position bias: the {SHOWN} may be better."
    return (
        f"{ahead}, because clicks follow it: shoppers look at position {len(curve)} "
        f"{curve[-1]:.0%} as often as at the first, by the click model.  So it is no baseline of "
        "the gate.  To compare without this bias, show some slates in random order and send the "
        "propensity of their items (docs/search.md)."
    )
