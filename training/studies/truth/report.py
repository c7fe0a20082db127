"""Run the grid and report one line per cell, with intervals over the seeds.

Each result is cached in a file named by a hash of shop, seed and code.  So an interrupted run
resumes, and results of older code are not used.
"""

import hashlib
import json
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import replacing
from training.metrics import Interval
from training.ranker import threads
from training.studies.truth.cell import Result, run
from training.studies.truth.grid import Cell, ShopSize, TruthGrid

_ROOMS = ("dataset", "metrics", "ranker", "studies/simulation", "studies/truth")
"""The rooms of `training` whose code determines a result."""


@dataclass(frozen=True)
class CellReport:
    """The results of a cell over its seeds.

    Attributes:
        results: one per seed.
        gain: value of the chosen ranker minus the naive one's value.
        share: share of the gap between the naive and the ideal ranker that the chosen one closes:
            a ratio of means, with an interval by linearization.
    """

    cell: Cell
    results: tuple[Result, ...]
    gain: Interval
    share: Interval

    def mean(self, name: str) -> float:
        """Return the mean of a value over the seeds."""
        return float(np.mean([getattr(result, name) for result in self.results]))


@dataclass(frozen=True)
class GridShop:
    """One cell with one seed."""

    cell: Cell
    size: ShopSize
    seed: int


def list_shops(grid: TruthGrid, seeds: int | None = None) -> list[GridShop]:
    """List the shops of a grid, or of its first seeds, seed by seed."""
    return [GridShop(cell, grid.shop, seed) for seed in grid.seeds[:seeds] for cell in grid.cells]


def run_shops(
    shops: list[GridShop], cache: Path, workers: int | None = None
) -> Iterator[tuple[GridShop, Result]]:
    """Yield the results of the shops as they finish; read cached ones instead of computing them.

    Args:
        shops: to run.
        cache: folder of the cached results.
        workers: number of processes; None: one per core.
    """
    workers = min(workers or threads(), len(shops))
    run_shop = partial(_cached, cache=cache)
    if workers == 1:
        yield from map(run_shop, shops)
        return
    with get_context("spawn").Pool(workers, _init_worker) as pool:
        yield from pool.imap_unordered(run_shop, shops)


def summarize_cells(results: Iterable[tuple[GridShop, Result]]) -> list[CellReport]:
    """Summarize the results of each cell, in the order of the results."""
    by_cell: dict[Cell, dict[int, Result]] = {}
    for shop, result in results:
        by_cell.setdefault(shop.cell, {})[shop.seed] = result
    return [
        _report(cell, tuple(seeds[seed] for seed in sorted(seeds)))
        for cell, seeds in by_cell.items()
    ]


def to_dict(grid: TruthGrid, reports: list[CellReport]) -> dict[str, Any]:
    """Return the reports as JSON values; infinite bounds become null."""
    cells: list[dict[str, Any]] = [asdict(report) for report in reports]
    for cell in cells:
        for name in ("gain", "share"):
            cell[name] = {
                end: value if np.isfinite(value) else None for end, value in cell[name].items()
            }
    return {"shop": asdict(grid.shop), "cells": cells}


def rows(reports: list[CellReport]) -> Iterator[list[object]]:
    """Yield the rows of a table with the columns `COLUMNS`."""
    for report in reports:
        share, gain = report.share, report.gain
        variants = {result.contender for result in report.results}
        yield [
            *asdict(report.cell).values(),
            *(f"{report.mean(name):.4f}" for name in ("naive", "chosen", "ideal")),
            f"{gain.value:+.4f}" + _within(gain, 1, ".4f"),
            f"{100 * share.value:.0f}" + _within(share, 100, ".0f") + " %",
            f"{max(result.examination_error for result in report.results):.3f}",
            "/".join(sorted(variants)),
        ]


TITLE = """NDCG@10 by true relevance over fresh requests; 1 is the true order.
Gap: between the naive ranker and the ideal one, fitted on the truth; ± 95 % over the seeds.
Curve error: of the learned examination at its worst position, in the worst of the seeds."""
COLUMNS = [
    "bias",
    "logging ranker",
    "clicks",
    "naive",
    "chosen",
    "ideal",
    "gain",
    "gap closed",
    "curve error",
    "chosen variant",
]


def _within(interval: Interval, scale: float, digits: str) -> str:
    half = scale * (interval.high - interval.value)
    return f" ± {half:{digits}}" if np.isfinite(half) else ""


def shop_line(shop: GridShop, result: Result) -> str:
    """Format the result of a shop as one line."""
    gap = result.ideal - result.naive
    closed = f"{100 * (result.chosen - result.naive) / gap:.0f} %" if gap else "no gap"
    return (
        f"seed {shop.seed}, bias {shop.cell.bias_strength}, {shop.cell.logging_ranker}, "
        f"{shop.cell.click_model}: naive {result.naive:.4f}, chosen {result.chosen:.4f} "
        f"({result.contender}), ideal {result.ideal:.4f}; closed {closed}"
    )


def _init_worker() -> None:
    """Let a worker fit on one core, and leave Ctrl-C to the parent process."""
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _cached(shop: GridShop, cache: Path) -> tuple[GridShop, Result]:
    """Return the result from the cache, or compute and cache it."""
    key = json.dumps([*asdict(shop).values(), code_version()])
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return shop, Result(**json.loads(path.read_text())["result"])
    result = run(shop.cell, shop.size, shop.seed)
    with replacing(path) as temporary:
        text = json.dumps({"cell": asdict(shop.cell), "result": asdict(result)}) + "\n"
        temporary.write_text(text)
    return shop, result


def code_version() -> str:
    """Return a hash of the code that determines a result."""
    training = Path(__file__).parents[2]
    modules = [module for room in _ROOMS for module in (training / room).glob("*.py")]
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
    """Return Student's 95 % interval of a mean over seeds; infinite for one seed."""
    from scipy import stats

    if spread.size < 2:
        return Interval(value, -np.inf, np.inf)
    half = stats.t.ppf(0.975, spread.size - 1) * spread.std(ddof=1) / np.sqrt(spread.size)
    return Interval(value, value - float(half), value + float(half))
