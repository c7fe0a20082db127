"""The grid, run and told: one line a cell, with intervals over the seeds.

Each result is kept in a folder under a name made of the shop, the seed and the code, so a run that
was stopped goes on where it was, and nothing stale is told.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.bootstrap import Interval
from training.truth.cell import Result, run
from training.truth.grid import Cell, ShopSize, TruthGrid

Progress = Callable[[int, int | None], None]

_CODE = ("fitting", "contenders", "clicking", "examination", "choice", "configuration", "metrics")


@dataclass(frozen=True)
class CellReport:
    """What the seeds of a cell showed together.

    Attributes:
        results: one a seed.
        gain: of the chosen ranker's value on the naive one's.
        share: of the gap between naive and ideal ranker that the chosen one closed: ratio of the
            means, its interval by linearization.
    """

    cell: Cell
    results: tuple[Result, ...]
    gain: Interval
    share: Interval

    def mean(self, name: str) -> float:
        """Of a value, over the seeds."""
        return float(np.mean([getattr(result, name) for result in self.results]))


def run_grid(
    grid: TruthGrid, cache: Path, *, seeds: int | None = None, progress: Progress | None = None
) -> list[CellReport]:
    """Run what is not in the cache yet, all cells of a seed before the next seed.

    Args:
        grid: what to run.
        cache: folder of the results.
        seeds: how many seeds of the grid to take; None: all.
        progress: told of each shop.
    """
    chosen = grid.seeds[:seeds]
    shops = [(cell, seed) for seed in chosen for cell in grid.cells]
    found: dict[Cell, list[Result]] = {cell: [] for cell in grid.cells}
    for number, (cell, seed) in enumerate(shops):
        if progress:
            progress(number, len(shops))
        found[cell].append(_kept(cell, grid.shop, seed, cache))
    return [_report(cell, tuple(results)) for cell, results in found.items()]


def to_dict(grid: TruthGrid, reports: list[CellReport]) -> dict[str, Any]:
    """JSON-ready."""
    cells: list[dict[str, Any]] = [asdict(report) for report in reports]
    for cell in cells:
        for name in ("gain", "share"):
            known = {
                end: value if np.isfinite(value) else None for end, value in cell[name].items()
            }
            cell[name] = known
    return {"shop": asdict(grid.shop), "cells": cells}


def rows(reports: list[CellReport]) -> Iterator[list[object]]:
    """Lines of a table; see `COLUMNS`."""
    for report in reports:
        share, gain = report.share, report.gain
        kinds = {result.contender for result in report.results}
        yield [
            *asdict(report.cell).values(),
            *(f"{report.mean(name):.4f}" for name in ("naive", "chosen", "ideal")),
            f"{gain.value:+.4f} ± {gain.high - gain.value:.4f}",
            f"{100 * share.value:.0f} ± {100 * (share.high - share.value):.0f} %",
            f"{max(result.examination_error for result in report.results):.3f}",
            "/".join(sorted(kinds)),
        ]


TITLE = """NDCG@10 by what is truly wanted, over fresh requests; 1 is the true order.
Gap: between the naive ranker and the ideal one, the naive taught the truth; ± 95 % over the seeds.
The curve of examination is off by so much at its worst position, in the worst of the seeds."""
COLUMNS = ["bias", "logging ranker", "clicks", "naive", "chosen", "ideal", "gain", "gap closed",
           "curve off by", "chosen was"]  # fmt: skip


def _kept(cell: Cell, size: ShopSize, seed: int, cache: Path) -> Result:
    """From the cache, or run and put there."""
    shop = json.dumps([asdict(cell), asdict(size), seed, code_version()])
    path = cache / f"{hashlib.sha256(shop.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return Result(**json.loads(path.read_text())["result"])
    result = run(cell, size, seed)
    cache.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps({"cell": asdict(cell), "result": asdict(result)}) + "\n")
    half.replace(path)
    return result


def code_version() -> str:
    """Hash of the code that decides a result."""
    here = Path(__file__).parents[1]
    modules = [here / f"{name}.py" for name in _CODE]
    modules += [*(here / "truth").glob("*.py"), *(here / "simulation").glob("*.py")]
    modules.remove(Path(__file__))
    return hashlib.sha256(b"".join(m.read_bytes() for m in sorted(modules))).hexdigest()


def _report(cell: Cell, results: tuple[Result, ...]) -> CellReport:
    naive, chosen, ideal = (
        np.array([getattr(r, name) for r in results]) for name in ("naive", "chosen", "ideal")
    )
    gain, gap = chosen - naive, ideal - naive
    share = gain.mean() / gap.mean()
    return CellReport(
        cell,
        results,
        gain=_interval(float(gain.mean()), gain),
        share=_interval(float(share), (gain - share * gap) / gap.mean()),
    )


def _interval(value: float, spread: np.ndarray) -> Interval:
    """Student's 95 % interval of a mean over seeds; of one seed nothing is known."""
    from scipy import stats

    if spread.size < 2:
        return Interval(value, -np.inf, np.inf)
    half = stats.t.ppf(0.975, spread.size - 1) * spread.std(ddof=1) / np.sqrt(spread.size)
    return Interval(value, value - float(half), value + float(half))
