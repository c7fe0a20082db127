"""The query explorer: what the running service answers a shopper, and how the answer came about."""

from collections.abc import Mapping
from typing import Any

from feature_repo.home import AisleError, ServiceError
from pipelines.console.content import (
    Block,
    Column,
    Content,
    Form,
    FormField,
    Heading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from training.artifacts import RANKER, current
from training.explanation import ExplainedSlate, Explanation, explain
from training.ranker import Ranker

Json = Mapping[str, Any]

_SURFACES = {
    "search": "search",
    "home": "home",
    "similar": "similar items",
    "together": "bought together",
    "again": "bought again",
    "trending": "trending",
}
_SIZE = 20
"""Items of an answer."""

_SHARES = 3
"""Contributions of an item that are listed."""


def explorer(visit: Visit) -> Content:
    """Show the answer to a query, or for a surface, with its interpretation and its sources."""
    surface = visit.get("surface") or "search"
    form = Form(
        "explorer",
        "Ask the service as a shopper",
        "Show the answer",
        [
            FormField("surface", "Surface", surface, _SURFACES),
            FormField("q", "Query", visit.get("q")),
            FormField("item", "Item of the page", visit.get("item")),
            FormField("user", "User", visit.get("user")),
            FormField("session", "Session", visit.get("session")),
            FormField("market", "Market", visit.get("market")),
        ],
    )
    if surface == "search" and not visit.get("q"):
        text = "The service answers as for this shopper; the visit counts no impression."
        return Content("Query explorer", [Text(text), form])
    try:
        answer = _answer(visit, surface)
    except ServiceError as error:
        return Content("Query explorer", [form, Notice(f"The service has no answer. {error}")])
    return Content(
        "Query explorer",
        [
            form,
            *_state(answer),
            *_understood(answer),
            *_stages(answer),
            *_order(visit, answer),
            *_sources(answer),
        ],
    )


def _answer(visit: Visit, surface: str) -> Json:
    shopper: dict[str, Any] = {
        name: visit.get(name) or None for name in ("user", "session", "market")
    }
    with visit.client() as client:
        if surface == "search":
            return client.search(visit.get("q"), size=_SIZE, explain=True, **shopper)
        items = [visit.get("item")] if visit.get("item") else []
        return client.recommend(surface, items=items, count=_SIZE, explain=True, **shopper)


def _state(answer: Json) -> list[Block]:
    version = answer.get("model_version") or "none"
    text = Text(f"{len(answer['items'])} items in {answer['took']:.1f} ms by ranker {version}.")
    if not answer["degraded"]:
        return [text]
    return [text, Notice(f"The answer is degraded: {', '.join(answer['degraded'])} did not work.")]


def _understood(answer: Json) -> list[Block]:
    understood = answer.get("understood")
    if not understood:
        return []
    columns = [Column("part", "part"), Column("value", "value")]
    rows: list[Row] = [
        {"part": part, "value": _in_words(value)} for part, value in understood.items()
    ]
    if answer.get("relaxed"):
        rows.append({"part": "relaxed", "value": _in_words(answer["relaxed"])})
    return [Table("understood", "What the query was understood as", columns, rows)]


def _in_words(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items())
        case list():
            return ", ".join(map(_in_words, value))
    return str(value)


def _stages(answer: Json) -> list[Block]:
    columns = [
        Column("stage", "stage"),
        Column("took", "milliseconds"),
        Column("candidates", "candidates by source"),
    ]
    rows: list[Row] = [
        {
            "stage": one["stage"],
            "took": one["took"],
            "candidates": _in_words(one["found"]) if "found" in one else None,
        }
        for one in answer.get("trace", ())
    ]
    return [Table("stages", "Stages of the request", columns, rows)]


def _order(visit: Visit, answer: Json) -> list[Block]:
    """Show the final order with the reasons of the ranker in use."""
    explained, notice = _explained(visit, answer)
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
    table = Table("order", "Final order", columns, rows, "The service found no item.")
    return [Heading("Answer"), *notice, table]


def _explained(visit: Visit, answer: Json) -> tuple[dict[str, Explanation], list[Block]]:
    """Return the explanation of each item; none, and why, where no ranker can give one."""
    features = [one.get("features") or {} for one in answer["items"]]
    if not features or not all(features):
        return {}, [Text("No ranker ordered these items, so there are no contributions.")]
    try:
        folder = current(visit.home, RANKER, "default")
        if folder.name != answer["model_version"]:
            return {}, [Text("Another ranker is in use since, so there are no contributions.")]
        ranker = Ranker.load(folder)
    except AisleError as error:
        return {}, [Notice(str(error))]
    slate = ExplainedSlate.of_features(
        [one["item"] for one in answer["items"]], features, ranker.columns
    )
    if slate.matrix is None:
        return {}, [Text("The ranker reads other features, so there are no contributions.")]
    listed = explain(ranker, slate.item_ids, slate.matrix, exact=False)
    return {one.item: one for one in listed}, []


def _reasons(one: Explanation | None) -> str | None:
    return None if one is None else "; ".join(one.reasons)


def _contributions(one: Explanation | None) -> str | None:
    if one is None:
        return None
    strongest = sorted(one.shares, key=lambda name: -abs(one.shares[name]))[:_SHARES]
    return ", ".join(f"{name} {one.shares[name]:+.3f}" for name in strongest)


def _sources(answer: Json) -> list[Block]:
    """Show the lists of the candidate sources, as far as their items are in the answer."""
    columns = [
        Column("source", "source"),
        Column("rank", "rank in the source"),
        Column("score", "score in the source"),
        Column("item", "item"),
        Column("title", "title"),
        Column("position", "final position"),
    ]
    rows: list[dict[str, Any]] = [
        {
            "source": source,
            "rank": rank,
            "score": score,
            "item": one["item"],
            "title": one.get("title"),
            "position": position,
        }
        for position, one in enumerate(answer["items"], 1)
        for source, (rank, score) in (one.get("sources") or {}).items()
    ]
    rows.sort(key=lambda row: (row["source"], row["rank"]))
    empty = "No candidate source has an item of the answer."
    table = Table("sources", "Items of the answer in each source's list", columns, rows, empty)
    return [Heading("Sources"), table]
