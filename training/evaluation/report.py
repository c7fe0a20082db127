"""An evaluation as one self-contained HTML page, without scripts, fonts or other requests.

A table repeats the figures of every plot; colours follow the reader's light or dark setting.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from training.evaluation.looks import looks_note
from training.evaluation.shown_order import shown_order_note
from training.pages import THEME
from training.plots import Mark, Plot, Table, bars, forest, lines, sparkline

Figures = Mapping[str, Any]


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
<style>{THEME}</style>
</head>
<body>
<main>
<h1>Evaluation</h1>
<p>The ranker's ndcg@10 on the test split is <strong>{main}</strong>.</p>
{_note(shown_order_note(evaluation))}
{_note(looks_note(evaluation))}
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
    return f"<h2>By depth</h2>{plot.__html__()}"


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
    return f"<h2>Configurations tried</h2>{_search(training)}{table}"


def _search(training: Figures) -> str:
    """Draw how ndcg@10 changed from trial to trial; one trial is no line."""
    values = [trial["ndcg_at_10"] for trial in training.get("trials", [])]
    if len(values) < 2:
        return ""
    at = [f"trial {n}" for n in range(1, 1 + len(values))]
    plot = sparkline("search", "ndcg@10 on validation by trial", at, values)
    return f'<div class="spark">{plot.__html__()}</div>'


def _figure(plot: Plot) -> str:
    """Return the drawing alone; a table next to it has more figures than the drawing."""
    return f"<figure>{plot.svg}</figure>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return Table(caption, head, rows).__html__()


def _mark(name: str, interval: Figures, sign: str = "", main: bool = False) -> Mark:
    text, value = _number(interval["value"], sign), interval["value"] or 0.0
    return Mark(name, value, interval["low"], interval["high"], text, main)


def _interval(interval: Figures, sign: str = "") -> str:
    if interval["low"] is None:
        return _number(interval["value"], sign)
    low, high = _number(interval["low"], sign), _number(interval["high"], sign)
    return f"{_number(interval['value'], sign)} ({low} to {high})"


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.4f}"
