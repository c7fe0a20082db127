"""An evaluation as one self-contained HTML page: no script, no font, nothing fetched.

Bars are inline SVG with the 95 % interval as a line; every figure also stands in a table, and
colours follow the reader's light or dark setting.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

Figures = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --faint: #5c5c66;
  --rule: #d4d4dc; --bar: #2f6fb7; --other: #8a8f9c; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --paper: #17171a;
  --faint: #a9a9b4; --rule: #3a3a42; --bar: #6ea8e8; --other: #7d828f; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 58rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding: .3rem 0; }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } .note { color: var(--faint); }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
.ranker { fill: var(--bar); } .other { fill: var(--other); }
.interval { stroke: var(--ink); stroke-width: 2; }
"""


def page(evaluation: Figures) -> str:
    """The whole page, from an evaluation's dict."""
    counted = evaluation["rankings"]
    ranker = evaluation["test"]["ndcg@10"]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation: ndcg@10 {_number(ranker)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Evaluation</h1>
<p>The ranker's ndcg@10 on the test split is <strong>{_number(ranker)}</strong>.
{escape(evaluation["training"].get("verdict", {}).get("reason", ""))}</p>
<p class="note">{escape(evaluation["conventions"])}.
{counted["counted"]} rankings counted, {counted["empty"]} without a gain left out.
Intervals are 95 %, by paired bootstrap over users.</p>
<h2>Models</h2>
{_bars(evaluation["models"])}
{_models(evaluation["models"])}
<h2>Slices</h2>
{_slices(evaluation["slices"])}
<h2>Configurations tried</h2>
{_trials(evaluation["training"])}
<p class="note">Model {escape(evaluation["identity"]["model"][:16])},
dataset {escape(evaluation["identity"]["dataset"][:16])}.</p>
</main>
</body>
</html>
"""


def _bars(models: list[Figures]) -> str:
    """One bar a model, ndcg@10 from 0 to 1."""
    rows = "".join(_bar(place, model) for place, model in enumerate(models))
    told = ", ".join(f"{m['name']} {_number(m['metrics']['ndcg@10']['value'])}" for m in models)
    return (
        f'<svg viewBox="0 0 700 {len(models) * 34}" role="img" '
        f'aria-label="ndcg@10: {escape(told)}">{rows}</svg>'
    )


def _bar(place: int, model: Figures) -> str:
    interval, top = model["metrics"]["ndcg@10"], place * 34
    kind = "ranker" if model["name"] == "ranker" else "other"
    value, low, high = (170 + 450 * (interval[end] or 0) for end in ("value", "low", "high"))
    return (
        f'<text x="0" y="{top + 21}">{escape(model["name"])}</text>'
        f'<rect class="{kind}" x="170" y="{top + 6}" width="{value - 170:.1f}" height="22"/>'
        f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{top + 17}" y2="{top + 17}"/>'
        f'<text x="{high + 8:.1f}" y="{top + 21}">{_number(interval["value"])}</text>'
    )


def _models(models: list[Figures]) -> str:
    rows = [
        [
            model["name"],
            *(_interval(model["metrics"][name]) for name in ("ndcg@10", "recall@10", "mrr")),
            _interval(model["difference"], "+"),
        ]
        for model in models
    ]
    head = ["Model", "ndcg@10", "recall@10", "mrr", "ndcg@10 to smoothed click rate"]
    return _table("Mean and 95 % interval", head, rows)


def _slices(slices: list[Figures]) -> str:
    rows = [
        [
            part["name"],
            str(part["rankings"]),
            _number(part["ranker"]["value"]),
            _number(part["baseline"]["value"]),
            _interval(part["difference"], "+"),
        ]
        for part in slices
    ]
    head = ["Slice", "Rankings", "Ranker", "Smoothed click rate", "Difference"]
    return _table("ndcg@10 on parts of the test split", head, rows)


def _trials(training: Figures) -> str:
    trials = training.get("trials", [])
    rows = [
        [
            ", ".join(f"{name} {value}" for name, value in trial["configuration"].items()),
            str(trial["rounds"]),
            _number(trial["ndcg_at_10"]),
        ]
        for trial in trials
    ]
    head = ["Configuration", "Trees", "ndcg@10 on validation"]
    return _table("The best on the validation split was fitted again", head, rows)


def _table(caption: str, head: list[str], rows: list[list[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _interval(interval: Figures, sign: str = "") -> str:
    low, high = _number(interval["low"], sign), _number(interval["high"], sign)
    return f"{_number(interval['value'], sign)} ({low} to {high})"


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.4f}"
