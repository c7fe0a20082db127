"""The answer to a query in two configurations: of the shop, and one that differs in one setting."""

from collections.abc import Mapping
from typing import Any

from feature_repo.home import ServiceError
from pipelines.console.content import Block, Column, Heading, Notice, Row, Table, Text, Visit
from pipelines.console.pages.explorer.explained import DEFAULT_MODEL, explained_order
from training.explanation import ExplainedSlate, moves_between

Json = Mapping[str, Any]

CONFIGURATIONS = {
    "": "nothing",
    "nameless": "personalization off",
    "rules-off": "rules off",
    "model": "another ranker",
}
_SIZE = 20
"""Items of an answer."""

_SHOPPER = ("user", "session", "market")


def ask(visit: Visit, surface: str, *, is_nameless: bool = False, rules: str | None = None) -> Json:
    """Return what the service answers the shopper of the address.

    Args:
        is_nameless: whether to leave out user and session.
        rules: `off` for an answer without the shop's rules.

    Raises:
        ServiceError: it does not answer, or with an error.
    """
    names = ("market",) if is_nameless else _SHOPPER
    shopper: dict[str, Any] = {name: visit.get(name) or None for name in names}
    with visit.client() as client:
        if surface == "search":
            query = visit.get("q")
            return client.search(query, size=_SIZE, explain=True, rules=rules, **shopper)
        items = [visit.get("item")] if visit.get("item") else []
        return client.recommend(
            surface, items=items, count=_SIZE, explain=True, rules=rules, **shopper
        )


def items_of(visit: Visit, query: str, configuration: str = "") -> list[Json]:
    """Return the items that a search answers a visitor without a name, in a configuration.

    Raises:
        ServiceError: it does not answer, or with an error.
    """
    rules = "off" if configuration == "rules-off" else None
    with visit.client() as client:
        items: list[Json] = client.search(query, size=_SIZE, rules=rules)["items"]
        if configuration == "model" and items:
            listed = [one["item"] for one in items]
            items = client.rank(listed, model=visit.get("model"), query=query)["items"]
    return items


def compared(visit: Visit, surface: str, answer: Json) -> list[Block]:
    """Show an answer next to that of the other configuration of the address, if it names one."""
    configuration = visit.get("with")
    if configuration not in CONFIGURATIONS or not configuration:
        return []
    heading = Heading(f"Compared with: {CONFIGURATIONS[configuration]}")
    model = visit.get("model") if configuration == "model" else DEFAULT_MODEL
    if not model:
        return [heading, Text("Write the name of the other ranker, such as one of /models.")]
    try:
        other = _other(visit, surface, answer, configuration, model)
    except ServiceError as error:
        return [heading, Notice(f"The service has no answer in this configuration. {error}")]
    caption = f"Order with: {CONFIGURATIONS[configuration]}"
    return [
        heading,
        _moves(answer, other),
        *explained_order(visit, other, "other", caption, model),
    ]


def _other(visit: Visit, surface: str, answer: Json, configuration: str, model: str) -> Json:
    """Return the answer in the other configuration; another ranker orders the same items."""
    if configuration == "nameless":
        return ask(visit, surface, is_nameless=True)
    if configuration == "rules-off":
        return ask(visit, surface, rules="off")
    titles = {one["item"]: one.get("title") for one in answer["items"]}
    shopper: dict[str, Any] = {name: visit.get(name) or None for name in _SHOPPER}
    query = visit.get("q") or None
    with visit.client() as client:
        ranked = client.rank([*titles], model=model, query=query, explain=True, **shopper)
    items = [one | {"title": titles[one["item"]]} for one in ranked["items"]]
    return ranked | {"items": items}


def _moves(answer: Json, other: Json) -> Table:
    """Show the positions of each item in both answers."""
    columns = [
        Column("item", "item"),
        Column("title", "title"),
        Column("first", "position"),
        Column("second", "position in the other"),
        Column("up", "positions up in the other"),
    ]
    first, second = (
        ExplainedSlate([one["item"] for one in each["items"]]) for each in (answer, other)
    )
    titles = {one["item"]: one.get("title") for each in (other, answer) for one in each["items"]}
    rows: list[Row] = [
        {
            "item": move.item,
            "title": titles[move.item],
            "first": move.before,
            "second": move.after,
            "up": None if move.before is None else move.up,
        }
        for move in moves_between(first, second)
    ]
    rows += [
        {"item": item, "title": titles[item], "first": position, "second": None, "up": None}
        for item, position in first.position.items()
        if item not in second.position
    ]
    return Table("moves", "Positions in both", columns, rows)
