"""An evaluation as tables for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table

Figures = Mapping[str, Any]


def tables(evaluation: Figures) -> Iterator[Table]:
    """The models, then the slices; the conventions stand at the head."""
    counted = evaluation["rankings"]
    title = (
        f"Test split: {counted['counted']} rankings counted, {counted['empty']} without a gain\n"
        f"{evaluation['conventions']}"
    )
    models = _table(title, ["", "ndcg@10", "95 %", "recall@10", "mrr", "to click rate", "95 %"])
    for model in evaluation["models"]:
        metrics = model["metrics"]
        others = (_value(metrics["recall@10"]), _value(metrics["mrr"]))
        models.add_row(
            model["name"], *_both(metrics["ndcg@10"]), *others, *_both(model["difference"], "+")
        )
    yield models
    if evaluation["slices"]:
        yield _slices(evaluation["slices"])


def _slices(slices: list[Figures]) -> Table:
    table = _table("Slices", ["", "rankings", "ranker", "click rate", "difference", "95 %"])
    for part in slices:
        scores = (_value(part["ranker"]), _value(part["baseline"]))
        table.add_row(part["name"], str(part["rankings"]), *scores, *_both(part["difference"], "+"))
    return table


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _both(interval: Figures, sign: str = "") -> tuple[str, str]:
    bounds = f"{_figure(interval['low'], sign)} … {_figure(interval['high'], sign)}"
    return _value(interval, sign), bounds


def _value(interval: Figures, sign: str = "") -> str:
    return _figure(interval["value"], sign)


def _figure(number: float | None, sign: str = "") -> str:
    return "–" if number is None else f"{number:{sign}.4f}"
