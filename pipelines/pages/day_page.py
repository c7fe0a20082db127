"""The report of a day: for the terminal and for a browser."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.pages.document import document, paragraphs
from pipelines.terminal import Page, line, pages, table
from training.plots import Table

Report = Mapping[str, Any]

_LISTS = {
    "top": "Top queries",
    "zero_results": "Queries without a result",
    "low_clicks": "Queries with few clicks",
    "rising": "Rising queries",
}
_QUERY_COUNTS = {
    "searches": "searches",
    "empty_searches": "without result",
    "clicked_searches": "clicked",
}


def day_page(report: Report) -> Page:
    """Show the key figures, the queries, and what is behind them."""
    tables = [
        table(each.caption, [*each.head], [[*row] for row in each.rows], numbers=len(each.head) - 1)
        for each in _tables(report)
    ]
    return pages(*tables, *map(line, day_sentences(report)))


def day_html(report: Report) -> str:
    """Render a self-contained page."""
    tables = (each.__html__() for each in _tables(report))
    return document(f"Day {report['day']}", paragraphs(day_sentences(report)), *tables)


def _tables(report: Report) -> list[Table]:
    days, markets = report["days"], report["markets"]
    tables = [_figures("Key figures", [day["day"] for day in days], days)]
    if len(markets) > 1:
        tables.append(_figures("By market", [market["market"] for market in markets], markets))
    for name, title in _LISTS.items():
        rows = [
            [
                query["query"],
                query["market"],
                *(_figure(query[count]) for count in _QUERY_COUNTS),
                f"{query['usual_searches']:.1f}",
            ]
            for query in report["queries"][name]
        ]
        if rows:
            head = ["query", "market", *_QUERY_COUNTS.values(), "usual searches"]
            tables.append(Table(title, head, rows))
    return tables


def _figures(title: str, columns: Sequence[str], parts: Sequence[Report]) -> Table:
    """Return a table with a row for each figure and a column for each part."""
    names = [name for name in parts[0] if name not in ("day", "market")]
    rows = [[name.replace("_", " "), *(_figure(part[name]) for part in parts)] for name in names]
    return Table(title, ["figure", *columns], rows)


def day_sentences(report: Report) -> list[str]:
    """Return coverage, delays, the age of the features and the drift in words."""
    coverage, fresh, sentences = report["coverage"], report["freshness"], []
    if coverage is not None:
        sentences.append(
            f"Of {coverage['items']:,} items, {coverage['shown']:,} were shown and "
            f"{coverage['clicked']:,} were clicked."
        )
    for kind, delay in fresh["delays"].items():
        if delay["median_seconds"] is not None:
            sentences.append(
                f"Events of kind {kind} came {delay['median_seconds']:,.1f} s after they happened "
                f"in the median, 99 % within {delay['p99_seconds']:,.1f} s."
            )
    if fresh["features_age_hours"] is not None:
        sentences.append(f"The features are {fresh['features_age_hours']:,.1f} hours old.")
    moved = ", ".join(f"{name} {share:.1%}" for name, share in report["drift"].items())
    sentences.append(f"Share of slates that moved since the seven days before, by: {moved}.")
    return sentences


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
