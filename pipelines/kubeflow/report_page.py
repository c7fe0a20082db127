"""A step's report as the Kubeflow page draws it: numbers as metrics, or a Markdown table."""

import math
from collections.abc import Iterator, Mapping
from typing import Any


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite numbers of a report, named by their path.

    >>> figures({"test": {"ndcg@10": 0.6}, "views": [{"name": "item", "rows": 12}]})
    {'test/ndcg@10': 0.6, 'views/0/rows': 12.0}
    """
    return {
        name: float(value)
        for name, value in _leaves(report)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def markdown(title: str, report: Mapping[str, Any]) -> str:
    r"""Return a report as a Markdown table with one row per value.

    >>> print(markdown("Features", {"rows": 3, "view": "a|b"}))
    # Features
    <BLANKLINE>
    | | |
    |---|---|
    | rows | 3 |
    | view | a\|b |
    """
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in _leaves(report)]
    return "\n".join([f"# {title}", "", "| | |", "|---|---|", *rows])


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, below in value.items():
        yield from _leaves(below, f"{path}/{name}" if path else str(name))


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
