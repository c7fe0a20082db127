"""The query explorer: what the running service answers a shopper, and how the answer came about."""

from collections.abc import Mapping
from typing import Any

from feature_repo.home import ServiceError
from pipelines.console.content import (
    Block,
    Column,
    Content,
    Figure,
    Form,
    FormField,
    Heading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
)
from pipelines.console.pages.explorer.configurations import CONFIGURATIONS, ask, compared
from pipelines.console.pages.explorer.explained import explained_order
from pipelines.console.pages.explorer.recorded import recorded_answer, recorded_answers
from training.plots import Mark, bars

Json = Mapping[str, Any]

_SURFACES = {
    "search": "search",
    "home": "home",
    "similar": "similar items",
    "together": "bought together",
    "again": "bought again",
    "trending": "trending",
}


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
            FormField("with", "Compare with", visit.get("with"), CONFIGURATIONS),
            FormField("model", "The other ranker", visit.get("model")),
        ],
    )
    if visit.get("request"):
        return Content("Query explorer", [form, Heading("Answer"), *recorded_answer(visit)])
    if surface == "search" and not visit.get("q"):
        text = "The service answers as for this shopper; the visit counts no impression."
        return Content("Query explorer", [Text(text), form, *_earlier(visit)])
    try:
        answer = ask(visit, surface)
    except ServiceError as error:
        return Content("Query explorer", [form, Notice(f"The service has no answer. {error}")])
    return Content(
        "Query explorer",
        [
            form,
            *_state(answer),
            *_understood(answer),
            *_stages(answer),
            Heading("Answer"),
            *explained_order(visit, answer),
            *_sources(answer),
            *compared(visit, surface, answer),
            *_earlier(visit),
        ],
    )


def _earlier(visit: Visit) -> list[Block]:
    """Return the answers of an earlier time, and the form that chooses the time."""
    fields = [
        FormField("user", "User", visit.get("user")),
        FormField("q", "Query", visit.get("q"), kind="hidden"),
        FormField("at", "Until, such as 2026-01-31T12:00:00Z; empty for now", visit.get("at")),
    ]
    form = Form("explorer", "Choose a time", "Show earlier answers", fields)
    return [Heading("At an earlier time"), form, recorded_answers(visit)]


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
    marks = [
        Mark(row["stage"], row["took"], None, None, f"{row['took']:.2f} ms")
        for row in rows
        if row["took"] is not None
    ]
    plot = [Figure(bars("latency", "Milliseconds of each stage", marks))] if marks else []
    return [*plot, Table("stages", "Stages of the request", columns, rows)]


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
