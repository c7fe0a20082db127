"""What the Kubeflow page draws of a step's report: figures as scalars, the rest as Markdown."""

import math
from collections.abc import Iterator, Mapping
from typing import Any


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a report, named by their path.

    >>> figures({"test": {"ndcg@10": 0.6, "queries": 12}, "name": "ranker"})
    {'test/ndcg@10': 0.6, 'test/queries': 12.0}
    """
    return {
        name: float(value)
        for name, value in _leaves(report)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def markdown(title: str, report: Mapping[str, Any]) -> str:
    r"""A report as a Markdown table, one row a value.

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


def _leaves(report: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
