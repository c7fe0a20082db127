"""Earlier answers of the service, as the log has them: at their time, for whom, in which order."""

import math
from typing import Any

from feature_repo.events.contract import ServedEvent
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, SettingError, parse_instant, to_text
from pipelines.console.content import Block, Column, Row, Table, Text, Visit, address
from pipelines.console.pages.explorer.explained import explained_order
from pipelines.inspection import newest_answers
from training.explanation import recorded_matrix

_LISTED = 10


def recorded_answer(visit: Visit) -> list[Block]:
    """Show the recorded answer that the address names.

    Raises:
        SettingError: the log has no such answer.
    """
    name = visit.get("request")
    event = EventLog(visit.home, Clock.of(visit.settings)).served(name)
    if event is None:
        raise SettingError(f"request: expected the id of an answer in the log, found {name!r}.")
    searched = f' for "{event.query}"' if event.query else ""
    whose = f"user {event.user_id}" if event.user_id else "a visitor without a name"
    text = (
        f"Answered at {to_text(event.event_time)[:19]}Z on the surface {event.surface or 'rank'}"
        f"{searched} to {whose}, by ranker {event.model_version or 'none'}."
    )
    degraded = ", ".join(event.degraded)
    return [
        Text(text),
        *([Text(f"The answer was degraded: {degraded} did not work.")] if degraded else []),
        *explained_order(visit, _as_answer(event), caption="Order at that time"),
    ]


def recorded_answers(visit: Visit) -> Table:
    """List the newest answers until the time of the address, of its user and query if it has."""
    until = visit.get("at")
    t = parse_instant(until) if until else visit.now
    listed = newest_answers(
        visit.home, t, user=visit.get("user"), query=visit.get("q"), most=_LISTED
    )
    columns = [
        Column("at", "at", lambda row: address("explorer", {"request": row["request"]})),
        Column("surface", "surface"),
        Column("query", "query"),
        Column("user", "user"),
        Column("items", "items"),
        Column("request", "request id"),
    ]
    rows: list[Row] = [{**one, "at": f"{to_text(one['at'])[:19]}Z"} for one in listed]
    empty = "The compacted log has no such answer; `aisle refresh` compacts new ones."
    return Table("earlier", "Earlier answers, the newest first", columns, rows, empty)


def _as_answer(event: ServedEvent) -> dict[str, Any]:
    """Return an answer of the log in the form of one of the service."""
    rows = recorded_matrix(event).tolist() if event.vectors else [[]] * len(event.items)
    items = [
        {
            "item": shown.item_id,
            "score": shown.score,
            "features": {
                name: None if math.isnan(value) else value
                for name, value in zip(event.layout, row, strict=False)
            },
        }
        for shown, row in zip(event.items, rows, strict=True)
    ]
    return {"items": items, "model_version": event.model_version or ""}
