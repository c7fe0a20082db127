"""What a draft of rules changes: the answers to ten queries before and after it."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.home import MINUTE, ServiceError
from pipelines.console.content import (
    Block,
    Column,
    Heading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.inspection import frequent_queries, log_state

_QUERIES, _ITEMS = 10, 10

Json = Mapping[str, Any]


def preview(visit: Visit, in_use: str, draft: str, named: Sequence[str]) -> list[Block]:
    """Compare the answers of the running service.

    Args:
        in_use: name of the rules in use.
        draft: name of the draft.
        named: queries that the rules of the draft name.
    """
    queries = _queries(visit, named)
    state = in_use, queries, visit.now // MINUTE
    try:
        answers = visit.figures.get(
            ("preview", draft), state, lambda: _answers(visit, queries, draft)
        )
    except ServiceError as error:
        return [Heading("Preview"), Notice(f"There is no preview. {error}")]
    columns = [
        Column("query", "query", lambda row: address("explorer", {"q": row["query"]})),
        Column("changed", "positions with another item"),
        Column("position", "first such position"),
        Column("before", "item there before"),
        Column("after", "item there after"),
        Column("entered", "items that came"),
        Column("left", "items that left"),
    ]
    rows = [_compared(query, *pair) for query, pair in zip(queries, answers, strict=True)]
    changed = sum(bool(row["changed"]) for row in rows)
    summary = (
        f"The first {_ITEMS} items change for {changed} of {len(rows)} queries, as a shopper "
        "without a name sees them: queries that the rules name, and the most frequent ones."
    )
    empty = "There are no queries yet to compare."
    table = Table("preview", "Answers before and after the draft", columns, rows, empty)
    return [Heading("Preview"), Text(summary), table]


def _queries(visit: Visit, named: Sequence[str]) -> tuple[str, ...]:
    """Return the queries that the rules of the draft name, and the most frequent ones."""
    frequent = visit.figures.get(
        "frequent queries",
        log_state(visit.home),
        lambda: frequent_queries(visit.home, _QUERIES),
    )
    return tuple(dict.fromkeys([*named[: _QUERIES // 2], *frequent]))[:_QUERIES]


def _answers(
    visit: Visit, queries: Sequence[str], draft: str
) -> list[tuple[list[Json], list[Json]]]:
    """Return for each query the items before and after."""
    with visit.client() as client:
        return [
            (
                client.search(query, size=_ITEMS)["items"],
                client.search(query, size=_ITEMS, rules=draft)["items"],
            )
            for query in queries
        ]


def _compared(query: str, before: Sequence[Json], after: Sequence[Json]) -> Row:
    old, new = ([one["item"] for one in items] for items in (before, after))
    longest = max(len(old), len(new))
    differing = [n for n in range(longest) if old[n : n + 1] != new[n : n + 1]]
    first = differing[0] if differing else None
    return {
        "query": query,
        "changed": len(differing),
        "position": None if first is None else first + 1,
        "before": None if first is None else _item(old, first),
        "after": None if first is None else _item(new, first),
        "entered": ", ".join(item for item in new if item not in old) or None,
        "left": ", ".join(item for item in old if item not in new) or None,
    }


def _item(items: Sequence[str], position: int) -> str | None:
    return items[position] if position < len(items) else None
