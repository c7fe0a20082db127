"""The page of judgments: the quality of each query's answer, and the grades of its items."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.home import MINUTE, ServiceError
from pipelines.console.actions import GRADE
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
from pipelines.console.pages.explorer import CONFIGURATIONS, items_of
from pipelines.inspection import file_states
from pipelines.operation import HIGHEST, JudgmentsFile
from training.metrics import ndcg

_MOST_QUERIES = 50
"""Judged queries that the service is asked."""

_CUT = 10

_CONFIGURATIONS = {key: label for key, label in CONFIGURATIONS.items() if key != "nameless"}
"""Without a shopper, there is no personalization to switch off."""

_GRADES = {"": "not judged", "0": "0, wrong", "1": "1, weak", "2": "2, good", "3": "3, exact"}


def judgments(visit: Visit) -> Content:
    """Show the judged queries with the worst answers first, or the items of one query to grade."""
    query = visit.get("q")
    form = Form("judgments", "Judge a query", "Show", [FormField("q", "Query to judge", query)])
    try:
        blocks = _items(visit, query) if query else _queries(visit)
    except ServiceError as error:
        blocks = [Notice(f"The service has no answer. {error}")]
    title = f"Judgments of {query}" if query else "Judgments"
    return Content(title, [form, *blocks, *([] if query else _import(visit))])


def _queries(visit: Visit) -> list[Block]:
    file, second, model = JudgmentsFile(visit.home), visit.get("with"), visit.get("model")
    if second not in _CONFIGURATIONS or (second == "model" and not model):
        second = ""
    form = Form(
        "judgments",
        "Compare two configurations",
        "Compare",
        [
            FormField("with", "Compare with", second, _CONFIGURATIONS),
            FormField("model", "The other ranker", model),
        ],
    )
    state = file_states([file.path]), visit.now // MINUTE
    measured = visit.figures.get(
        ("judgments", second, model), state, lambda: _measured(visit, file.read(), second)
    )
    columns = [
        Column("query", "query", lambda row: address("judgments", {"q": row["query"]})),
        Column("judged", "judged items"),
        Column("ndcg", f"ndcg@{_CUT}"),
        *([Column("other", "ndcg in the other"), Column("gain", "gain")] if second else []),
    ]
    empty = "No query is judged yet. Import judgments, or choose a query above."
    table = Table("queries", "Judged queries, the worst answers first", columns, measured, empty)
    means = [
        f"{name} {sum(values) / len(values):.4f}"
        for name, key in (("first", "ndcg"), ("other", "other"))
        if (values := [row[key] for row in measured if row.get(key) is not None])
    ]
    summary = f"Mean ndcg@{_CUT} of at most {_MOST_QUERIES} queries: {', '.join(means)}."
    return [form, *([Text(summary)] if means else []), table]


def _measured(visit: Visit, listed: Mapping[str, Mapping[str, int]], second: str) -> list[Row]:
    """Return the quality of the answers to judged queries, the lowest first."""
    rows: list[dict[str, Any]] = []
    for query, grades in [*listed.items()][:_MOST_QUERIES]:
        first = _quality(items_of(visit, query), grades)
        row: dict[str, Any] = {"query": query, "judged": len(grades), "ndcg": first}
        if second:
            other = _quality(items_of(visit, query, second), grades)
            gain = None if None in (first, other) else other - first  # type: ignore[operator]
            row |= {"other": other, "gain": gain}
        rows.append(row)
    return sorted(rows, key=lambda row: (row["ndcg"] is None, row["ndcg"]))


def _quality(items: Sequence[Mapping[str, Any]], grades: Mapping[str, int]) -> float | None:
    """Return the discounted gain of a list as a share of the best; None without a good item.

    An item that is not judged has no gain.
    """
    shown = [one["item"] for one in items][:_CUT]
    gains = [grades.get(item, 0) for item in shown] + [0] * (_CUT - len(shown))
    gains += [grade for item, grade in grades.items() if item not in shown]
    if not any(gains):
        return None
    scores = [-float(n) for n in range(len(gains))]
    return float(ndcg(scores, [float(gain) for gain in gains], [0] * len(gains), _CUT)[0])


def _items(visit: Visit, query: str) -> list[Block]:
    """Show the items of an answer with their grades, and for those who signed in the form."""
    grades = JudgmentsFile(visit.home).read().get(query, {})
    items = items_of(visit, query)
    columns = [
        Column("position", "position"),
        Column("item", "item", lambda row: address("entity", {"of": f"item:{row['item']}"})),
        Column("title", "title"),
        Column("grade", f"grade, 0 to {HIGHEST}"),
    ]
    rows: list[Row] = [
        {
            "position": position,
            "item": one["item"],
            "title": one.get("title"),
            "grade": grades.get(one["item"]),
        }
        for position, one in enumerate(items, 1)
    ]
    table = Table("items", "Items of the answer", columns, rows, "The service has no item.")
    if not visit.author or not items:
        return [table]
    fields = [FormField("q", "Query", query, kind="hidden")]
    fields += [
        FormField(
            f"{GRADE}{row['item']}",
            f"{row['position']}. {row['title'] or row['item']}",
            "" if row["grade"] is None else str(row["grade"]),
            _grades(row["grade"]),
        )
        for row in rows
    ]
    form = Form("judgments/judge", "Grade the items", "Store the grades", fields, is_change=True)
    return [table, Heading("Judge"), form]


def _grades(grade: int | None) -> dict[str, str]:
    """Return the choices of a grade; an imported one may be above those of the form."""
    return _GRADES if grade is None else {str(grade): str(grade)} | _GRADES


def _import(visit: Visit) -> list[Block]:
    if not visit.author:
        return []
    fields = [
        FormField("text", "CSV with query,item,grade; or qrels of TREC", kind="area"),
        FormField("topics", "For qrels: topic, tab, query; one a line", kind="area"),
    ]
    form = Form("judgments/import", "Import judgments", "Import", fields, is_change=True)
    return [Heading("Import"), form]
