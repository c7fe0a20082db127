"""The checks of data contracts: a page for the terminal, and one for a browser."""

from collections.abc import Mapping
from html import escape
from typing import Any

from pipelines.terminal import Page, line, pages, table

Figures = Mapping[str, Any]

_COLUMNS = ("expectation", "of", "market", "rows", "differ", "allowed")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding: .3rem 0; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #8884; }
td:nth-child(n+4), th:nth-child(n+4) { text-align: right; }
"""


def validation_page(figures: Figures) -> Page:
    """Show the violations with their first rows, then the number of checks."""
    violations = [check for check in figures["checks"] if not check["holds"]]
    parts = [line(_summary(figures))]
    if violations:
        rows: list[list[object]] = [_cells(check) for check in violations]
        parts.append(table("Violations", [*_COLUMNS], rows, numbers=3))
        parts += [
            line(f"{check['name']}: {_rows(check)}. {check['advice']}.") for check in violations
        ]
    return pages(*parts)


def validation_html(figures: Figures) -> str:
    """Render a self-contained page of all checks, violations first."""
    checks = sorted(figures["checks"], key=lambda check: bool(check["holds"]))
    violations = [check for check in checks if not check["holds"]]
    listed = "".join(
        f"<li><strong>{escape(check['name'])}</strong>, market {escape(check['market'])}: "
        f"{escape(check['sentence'])} Found {escape(_rows(check))}. {escape(check['advice'])}.</li>"
        for check in violations
    )
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in _cells(check)) + "</tr>"
        for check in checks
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in _COLUMNS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data contracts: {len(violations)} violations</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Data contracts</h1>
<p>{escape(_summary(figures))}</p>
{f"<ul>{listed}</ul>" if listed else ""}
<table>
<caption>Checks</caption>
<thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody>
</table>
<p>Nothing to check for: {escape(", ".join(figures["without_rows"]) or "none")}.</p>
</main>
</body>
</html>
"""


def _summary(figures: Figures) -> str:
    count, violated = len(figures["checks"]), len(figures["violations"])
    period = f"seen after {figures['checked_from'] or 'the beginning'}"
    return f"{count} checks of rows {period}: {violated} violations."


def _cells(check: Figures) -> list[object]:
    return [
        check["name"],
        check["subject"],
        check["market"],
        check["checked"],
        check["violating"],
        f"{check['allowed_share']:.0%}",
    ]


def _rows(check: Figures) -> str:
    return "; ".join(f"{one['id']}: {one['found']}" for one in check["examples"])
