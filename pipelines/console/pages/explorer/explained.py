"""The order of an answer with what moved each item: reasons and contributions of its ranker."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from feature_repo.home import AisleError
from pipelines.console.content import Block, Column, Notice, Row, Table, Text, Visit, address
from training.artifacts import RANKER, current
from training.explanation import ExplainedSlate, Explanation, explain
from training.ranker import Ranker

Json = Mapping[str, Any]

DEFAULT_MODEL = "default"

_SHARES = 3
"""Contributions of an item that are listed."""


def explained_order(
    visit: Visit,
    answer: Json,
    key: str = "order",
    caption: str = "Final order",
    model: str = DEFAULT_MODEL,
) -> list[Block]:
    """Show an order with the reasons of its ranker.

    Args:
        answer: of the service, with feature values.
        key: of the table.
        caption: of the table.
        model: name of the ranker.
    """
    explained, notice = _explained(visit, answer, model)
    columns = [
        Column("position", "position"),
        Column("item", "item", lambda row: address("entity", {"of": f"item:{row['item']}"})),
        Column("title", "title"),
        Column("score", "score"),
        Column("reasons", "what sets it apart"),
        Column("contributions", "largest contributions"),
    ]
    rows: list[Row] = [
        {
            "position": position,
            "item": one["item"],
            "title": one.get("title"),
            "score": one["score"],
            "reasons": _reasons(explained.get(one["item"])),
            "contributions": _contributions(explained.get(one["item"])),
        }
        for position, one in enumerate(answer["items"], 1)
    ]
    return [*notice, Table(key, caption, columns, rows, "The service found no item.")]


def _explained(
    visit: Visit, answer: Json, model: str
) -> tuple[dict[str, Explanation], list[Block]]:
    """Return the explanation of each item; none, and why, where no ranker can give one."""
    features = [one.get("features") or {} for one in answer["items"]]
    if not features or not all(features):
        return {}, [
            Text("The answer has no feature values of a ranker, so there are no contributions.")
        ]
    try:
        folder = current(visit.home, RANKER, model)
        if folder.name != answer["model_version"]:
            return {}, [Text("Another ranker is in use since, so there are no contributions.")]
        ranker = _ranker(folder)
    except AisleError as error:
        return {}, [Notice(str(error))]
    slate = ExplainedSlate.of_features(
        [one["item"] for one in answer["items"]], features, ranker.columns
    )
    if slate.matrix is None:
        return {}, [Text("The ranker reads other features, so there are no contributions.")]
    listed = explain(ranker, slate.item_ids, slate.matrix, exact=False)
    return {one.item: one for one in listed}, []


@lru_cache(2)
def _ranker(folder: Path) -> Ranker:
    """Return the ranker of a version, whose files never change."""
    return Ranker.load(folder)


def _reasons(one: Explanation | None) -> str | None:
    return None if one is None else "; ".join(one.reasons)


def _contributions(one: Explanation | None) -> str | None:
    if one is None:
        return None
    strongest = sorted(one.shares, key=lambda name: -abs(one.shares[name]))[:_SHARES]
    return ", ".join(f"{name} {one.shares[name]:+.3f}" for name in strongest)
