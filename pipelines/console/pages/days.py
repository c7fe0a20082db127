"""The pages of a day: what shoppers searched, and the key figures, from the report of the day."""

from typing import Any

from pipelines.console.content import (
    Block,
    Column,
    Content,
    Form,
    FormField,
    Loading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.inspection import feature_state, log_state
from pipelines.pages import day_sentences
from training.daily_report import day_report, features_age_hours, last_whole_day, parse_day

_LISTS = {
    "top": "Top queries",
    "rising": "Rising queries",
    "zero_results": "Queries without a result",
    "low_clicks": "Queries with few clicks",
}
_QUERY_COLUMNS = [
    Column("query", "query", lambda row: address("explorer", {"q": row["query"]})),
    Column("market", "market"),
    Column("searches", "searches"),
    Column("empty_searches", "without result"),
    Column("clicked_searches", "clicked"),
    Column("usual_searches", "usual searches"),
]


def search_analytics(visit: Visit) -> Content:
    """Show what shoppers searched on a day."""
    report = _report(visit)
    if report is None:
        return Content("Searches", [_choice(visit, "searches"), Loading("The searches of the day")])
    return Content(
        f"Searches on {report['day']}",
        [
            _choice(visit, "searches"),
            *(
                Table(name, title, _QUERY_COLUMNS, report["queries"][name], "None on this day.")
                for name, title in _LISTS.items()
            ),
        ],
    )


def day(visit: Visit) -> Content:
    """Show the key figures of a day next to those of the days before."""
    report = _report(visit)
    if report is None:
        return Content("Day", [_choice(visit, "day"), Loading("The key figures of the day")])
    return Content(
        f"Day {report['day']}",
        [
            _choice(visit, "day"),
            *map(Text, day_sentences(report)),
            _figures("figures", "Key figures", "day", report["days"]),
            _figures("markets", "By market", "market", report["markets"]),
        ],
    )


def _report(visit: Visit) -> dict[str, Any] | None:
    """Return the report of the day of the address; None while it is computed.

    Only the age of the features is of now.
    """
    date = visit.get("day")
    day = parse_day(date) if date else last_whole_day(visit.now)
    state = log_state(visit.home), feature_state(visit.home)
    report = visit.soon(("day", day), state, lambda: day_report(visit.home, visit.now, day))
    if report is None:
        return None
    report["freshness"]["features_age_hours"] = features_age_hours(visit.home, visit.now)
    return report


def _choice(visit: Visit, path: str) -> Block:
    field = FormField(
        "day", "Day, such as 2026-01-31; empty for the last whole day", visit.get("day")
    )
    return Form(path, "Choose a day", "Show", [field])


def _figures(key: str, caption: str, of: str, parts: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each day or market and a column for each figure."""
    names = [name for name in (parts[0] if parts else {}) if name not in ("day", "market")]
    columns = [Column(of, of), *(Column(name, name.replace("_", " ")) for name in names)]
    rows: list[Row] = [{of: part[of], **{name: part[name] for name in names}} for part in parts]
    return Table(key, caption, columns, rows)
