"""An evaluation as tables for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

Figures = Mapping[str, Any]

COMPARED = ("recall@10", "mrr")
"""Metrics in the first table; the second table has the other metrics."""


def tables(evaluation: Figures) -> Iterator[Table]:
    """Yield tables of models, metrics, slices and studies; the first title has the conventions."""
    counted = evaluation["rankings"]
    title = (
        f"Test split: {counted['counted']} rankings counted, {counted['empty']} without a gain\n"
        f"{evaluation['conventions']}"
    )
    difference = f"minus {_short(evaluation)}"
    models = _table(title, ["", "ndcg@10", "95 %", *COMPARED, difference, "95 %"])
    for model in evaluation["models"]:
        metrics = model["metrics"]
        others = (_value(metrics[name]) for name in COMPARED)
        models.add_row(
            model["name"], *_both(metrics["ndcg@10"]), *others, *_both(model["difference"], "+")
        )
    yield models
    yield _metrics(evaluation["models"])
    if evaluation["slices"]:
        yield _slices(evaluation)
    if "comparison" in evaluation:
        yield _comparison(evaluation["comparison"])
    if "trainings" in evaluation:
        yield trainings_table(evaluation["trainings"])
    for key, title, first in (
        ("ablation", "Without a family of features, on validation", "family"),
        ("learning_curve", "Learning curve, on validation", "share"),
    ):
        if key in evaluation:
            yield _refits(title, first, evaluation[key]["refits"])


def trainings_table(trainings: Figures) -> Table:
    """Return each figure's mean, range and deviation over several trainings."""
    title = f"{trainings['count']} trainings with other seeds and row orders, on test"
    table = _table(title, ["", "mean", "lowest", "highest", "deviation"])
    for name, spread in trainings.items():
        if name != "count":
            values = (spread[key] for key in ("mean", "low", "high", "deviation"))
            table.add_row(name, *(f"{value:.4f}" for value in values))
    return table


def _metrics(models: Sequence[Figures]) -> Table:
    names = [name for name in models[0]["metrics"] if name not in ("ndcg@10", *COMPARED)]
    table = _table("Other metrics", ["", *names])
    for model in models:
        table.add_row(model["name"], *(_value(model["metrics"][name]) for name in names))
    return table


def _slices(evaluation: Figures) -> Table:
    reference = _short(evaluation)
    table = _table("Slices", ["", "rankings", "ranker", reference, "difference", "95 %"])
    for part in evaluation["slices"]:
        scores = (_value(part["ranker"]), _value(part["baseline"]))
        table.add_row(part["name"], str(part["rankings"]), *scores, *_both(part["difference"], "+"))
    return table


def _short(evaluation: Figures) -> str:
    """Return the name of the baseline that figures are compared with, without adjectives."""
    return str(evaluation["reference"]).removeprefix("smoothed ").removeprefix("personal ")


def _comparison(comparison: Figures) -> Table:
    title = f"Compared with {comparison['folder']}, on {comparison['rankings']} test rankings"
    table = _table(title, ["", "ndcg@10", "95 %"])
    for name, sign in (("ranker", ""), ("other", ""), ("difference", "+")):
        table.add_row(name, *_both(comparison[name], sign))
    return table


def _refits(title: str, first: str, refits: Sequence[Figures]) -> Table:
    table = _table(title, [first, "features", "rankings", "ndcg@10", "minus all features", "95 %"])
    for one in refits:
        counts = (str(one["features"]), str(one["rankings"]), _value(one["ndcg_at_10"]))
        table.add_row(one["name"], *counts, *_both(one["difference"], "+"))
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def _both(interval: Figures, sign: str = "") -> tuple[str, str]:
    bounds = f"{_figure(interval['low'], sign)} … {_figure(interval['high'], sign)}"
    return _value(interval, sign), bounds


def _value(interval: Figures, sign: str = "") -> str:
    return _figure(interval["value"], sign)


def _figure(number: float | None, sign: str = "") -> str:
    return "–" if number is None else f"{number:{sign}.4f}"
