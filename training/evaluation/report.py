"""An evaluation as one self-contained HTML page, without scripts, fonts or other requests.

A table repeats the figures of every plot; colours follow the reader's light or dark setting.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from training.evaluation.plots import Mark, bars, forest, lines
from training.evaluation.shown_order import shown_order_note

Figures = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --faint: #5c5c66;
  --rule: #d4d4dc; --main: #2f6fb7; --other: #a3a8b4;
  --c0: #2f6fb7; --c1: #b3541e; --c2: #3d7a3d; --c3: #8a4a9e; --c4: #5c5c66; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --paper: #17171a;
  --faint: #a9a9b4; --rule: #3a3a42; --main: #5b97da; --other: #666b78;
  --c0: #6ea8e8; --c1: #e8955f; --c2: #7cc07c; --c3: #c78fdb; --c4: #a9a9b4; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding: .3rem 0; }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid var(--rule); }
th:first-child { text-align: left; } td { white-space: nowrap; }
.wide { overflow-x: auto; font-size: .9rem; } .note { color: var(--faint); }
figure { margin: 1rem 0; } summary { cursor: pointer; color: var(--faint); }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
svg .tick { text-anchor: middle; } .main { fill: var(--main); } .other { fill: var(--other); }
.interval { stroke: var(--ink); stroke-width: 2; }
.axis { stroke: var(--faint); stroke-dasharray: 3 3; } .grid { stroke: var(--rule); }
.line { fill: none; stroke-width: 2.5; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); }
.c3 { stroke: var(--c3); } .c4 { stroke: var(--c4); }
"""


def page(evaluation: Figures) -> str:
    """Render the page from an evaluation's dict."""
    counted, main = evaluation["rankings"], _number(evaluation["test"]["ndcg@10"])
    parts = [
        _models(evaluation),
        _by_position(evaluation["by_position"]),
        _slices(evaluation),
        _refits(evaluation, "ablation", "Without a family of features", "Family left out"),
        _curve(evaluation),
        _trials(evaluation["training"]),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation: ndcg@10 {main}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Evaluation</h1>
<p>The ranker's ndcg@10 on the test split is <strong>{main}</strong>.</p>
{_note(shown_order_note(evaluation))}
<p class="note">{escape(evaluation["conventions"])}.
{counted["counted"]} rankings counted, {counted["empty"]} without a gain left out.
Intervals are 95 %, by paired bootstrap over users.</p>
{"".join(parts)}
<p class="note">Model {escape(evaluation["identity"]["model"][:16])},
dataset {escape(evaluation["identity"]["dataset"][:16])}.</p>
</main>
</body>
</html>
"""


def _note(text: str | None) -> str:
    return "" if text is None else f"<p>{escape(text)}</p>"


def _models(evaluation: Figures) -> str:
    models = evaluation["models"]
    marks = [_mark(m["name"], m["metrics"]["ndcg@10"], main=m["name"] == "ranker") for m in models]
    rows = [
        [name, *(_interval(model["metrics"][name]) for model in models)]
        for name in models[0]["metrics"]
    ]
    rows.append(
        [
            f"ndcg@10 minus {evaluation['reference']}",
            *(_interval(model["difference"], "+") for model in models),
        ]
    )
    table = _table("Mean and 95 % interval", ["Metric", *(m["name"] for m in models)], rows)
    return f"<h2>Models</h2>{_figure(bars('models', 'ndcg@10 of each model', marks))}{table}"


def _by_position(curves: Figures) -> str:
    complete = {name: line for name, line in curves.items() if None not in line}
    if not complete:
        return ""
    at = [str(k) for k in range(1, 1 + len(next(iter(complete.values()))))]
    plot = lines("depth", "ndcg@k by the number of positions", at, complete, "positions k")
    rows = [[name, *map(_number, line)] for name, line in complete.items()]
    table = _table("ndcg@k of each model", ["Model", *(f"@{k}" for k in at)], rows)
    return f"<h2>By depth</h2>{_figure(plot)}{_folded(table)}"


def _slices(evaluation: Figures) -> str:
    slices, reference = evaluation["slices"], evaluation["reference"]
    marks = [_mark(part["name"], part["difference"], "+") for part in slices]
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
    head = ["Slice", "Rankings", "Ranker", reference.capitalize(), "Difference"]
    plot = forest("slices", f"ndcg@10, ranker − {reference}, by slice", marks)
    table = _table("ndcg@10 on parts of the test split", head, rows)
    return f"<h2>Slices</h2>{_figure(plot)}{table}"


def _refits(evaluation: Figures, key: str, title: str, first: str) -> str:
    refits = evaluation.get(key, {}).get("refits", [])
    if not refits:
        return ""
    marks = [_mark(one["name"], one["difference"], "+") for one in refits]
    plot = forest(key, "ndcg@10 on validation, to the ranker with everything", marks)
    return f"<h2>{title}</h2>{_figure(plot)}{_refit_table(first, refits)}"


def _curve(evaluation: Figures) -> str:
    refits = evaluation.get("learning_curve", {}).get("refits", [])
    if not refits:
        return ""
    series = {
        name: [one["ndcg_at_10"][end] for one in refits]
        for name, end in (("mean", "value"), ("95 % low", "low"), ("95 % high", "high"))
    }
    at = [one["name"] for one in refits]
    plot = lines("curve", "ndcg@10 on validation", at, series, "share of the training rankings")
    return f"<h2>Learning curve</h2>{_figure(plot)}{_refit_table('Share', refits)}"


def _refit_table(first: str, refits: Sequence[Figures]) -> str:
    rows = [
        [
            one["name"],
            str(one["features"]),
            str(one["rankings"]),
            _interval(one["ndcg_at_10"]),
            _interval(one["difference"], "+"),
        ]
        for one in refits
    ]
    head = [first, "Features", "Rankings", "ndcg@10", "To everything"]
    return _table("Fitted again, measured on the validation split", head, rows)


def _trials(training: Figures) -> str:
    rows = [
        [
            ", ".join(f"{name} {value}" for name, value in trial["configuration"].items()),
            str(trial["rounds"]),
            _number(trial["ndcg_at_10"]),
        ]
        for trial in training.get("trials", [])
    ]
    head = ["Configuration", "Trees", "ndcg@10 on validation"]
    table = _table("The best on the validation split was fitted again", head, rows)
    return f"<h2>Configurations tried</h2>{table}"


def _figure(plot: str) -> str:
    return f"<figure>{plot}</figure>"


def _folded(table: str) -> str:
    return f"<details><summary>The figures as a table</summary>{table}</details>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
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


def _mark(name: str, interval: Figures, sign: str = "", main: bool = False) -> Mark:
    value, low, high = (interval[end] or 0.0 for end in ("value", "low", "high"))
    return Mark(name, value, low, high, _number(interval["value"], sign), main)


def _interval(interval: Figures, sign: str = "") -> str:
    if interval["low"] is None:
        return _number(interval["value"], sign)
    low, high = _number(interval["low"], sign), _number(interval["high"], sign)
    return f"{_number(interval['value'], sign)} ({low} to {high})"


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.4f}"
