"""The statistics of a dataset, and their page for a browser."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.pages.document import document, paragraphs
from training.plots import Table

_FIGURES = ("least", "mean", "greatest")


def dataset_statistics(path: Path) -> dict[str, Any]:
    """Return counts of a dataset, and of each feature: missing share, least, mean and greatest.

    It reads one row group after the other.  Figures of a feature without values are None.
    """
    from training.dataset import LazyDataset

    data = LazyDataset.open(path)
    size = len(data.facts.columns)
    present, total = np.zeros(size, np.int64), np.zeros(size)
    least, greatest = np.full(size, np.inf), np.full(size, -np.inf)
    for matrix in data.batches():
        is_present = ~np.isnan(matrix)
        present += is_present.sum(axis=0)
        total += np.where(is_present, matrix, 0.0).sum(axis=0, dtype=np.float64)
        least = np.minimum(least, np.where(is_present, matrix, np.inf).min(axis=0))
        greatest = np.maximum(greatest, np.where(is_present, matrix, -np.inf).max(axis=0))
    features = [
        {
            "feature": name,
            "missing": round(1 - int(present[n]) / max(data.size, 1), 5),
            "least": float(least[n]) if present[n] else None,
            "mean": float(total[n] / present[n]) if present[n] else None,
            "greatest": float(greatest[n]) if present[n] else None,
        }
        for n, name in enumerate(data.facts.columns)
    ]
    gain = data.column("gain")
    return {
        "rows": data.size,
        "columns": size,
        "rankings": data.facts.rankings,
        "rows_with_gain": int((gain > 0).sum()),
        "features": features,
    }


def dataset_html(statistics: Mapping[str, Any]) -> str:
    """Render the statistics as a self-contained page; features with most missing values first."""
    rankings = ", ".join(f"{number} {split}" for split, number in statistics["rankings"].items())
    sentence = (
        f"{statistics['rows']} rows, {statistics['rows_with_gain']} of them with a gain, "
        f"{statistics['columns']} features; rankings: {rankings}."
    )
    rows = [
        [one["feature"], f"{one['missing']:.1%}", *(_number(one[name]) for name in _FIGURES)]
        for one in sorted(statistics["features"], key=lambda one: -one["missing"])
    ]
    features = Table("Features", ["feature", "missing", *_FIGURES], rows)
    return document("Dataset", paragraphs([sentence]), features.__html__())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
