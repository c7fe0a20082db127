"""The page of an evaluation of visits without a name."""

from typing import Any

from pipelines.pages.next_purchase_page import trainings_page
from pipelines.terminal import Page, interval_text, line, pages, table

_COLUMNS = ("nameless", "named", "smoothed click rate", "nameless gain", "named gain")


def nameless_page(evaluation: dict[str, Any]) -> Page:
    """Show the figures by the number of clicks before the ranking, and the spread of trainings."""
    visits, trainings = evaluation["visits"], evaluation["trainings"]
    rows: list[list[object]] = [
        [
            one["name"],
            one["rankings"],
            one["visits"],
            *(_interval(one["metrics"][column], column) for column in _COLUMNS),
            "–" if one["share"] is None else f"{one['share']:.0%}",
        ]
        for one in visits
    ]
    title = (
        "ndcg@10 on the test rankings of sessions without a name, and of the same sessions with "
        "their name; gains are over the smoothed click rate"
    )
    columns = ["clicks before", "rankings", "visits", *_COLUMNS, "nameless / named"]
    parts = [table(title, columns, rows, numbers=8)]
    if trainings:
        parts.append(trainings_page(trainings))
    note = "Each log has its own ranker.  95 % intervals by paired bootstrap over users."
    return pages(*parts, line(note))


def _interval(interval: dict[str, float | None], column: str) -> str:
    sign = "+" if column.endswith("gain") else ""
    return interval_text(interval, sign)
