"""The grid, run and told: one line a cell, with intervals over the seeds.

Each result is kept in a folder under a name made of the shop, the seed and the code, so a run that
was stopped goes on where it was, and nothing stale is told.
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

from training.metrics import Interval
from training.ranker import threads
from training.studies.truth.cell import Result, run
from training.studies.truth.grid import Cell, ShopSize, TruthGrid

_ROOMS = ("dataset", "metrics", "ranker", "studies/simulation", "studies/truth")
"""The rooms of `training` whose code decides a result."""


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


@dataclass(frozen=True)
class Shop:
    """One cell with one seed."""

    cell: Cell
    size: ShopSize
    seed: int


def list_shops(grid: TruthGrid, seeds: int | None = None) -> list[Shop]:
    """Every shop of a grid, or of its first seeds: all cells of a seed before the next seed."""
    return [Shop(cell, grid.shop, seed) for seed in grid.seeds[:seeds] for cell in grid.cells]


def run_shops(
    shops: list[Shop], cache: Path, workers: int | None = None
) -> Iterator[tuple[Shop, Result]]:
    """Give each shop's result as soon as it is there; what the cache holds is not run again.

    Args:
        shops: what to run.
        cache: folder of the results.
        workers: processes; None: as many as there are cores.
    """
    workers = min(workers or threads(), len(shops))
    kept = partial(_kept, cache=cache)
    if workers == 1:
        yield from map(kept, shops)
        return
    with get_context("spawn").Pool(workers, _begin) as pool:
        yield from pool.imap_unordered(kept, shops)


def summarize_cells(results: Iterable[tuple[Shop, Result]]) -> list[CellReport]:
    """What the seeds showed together, of every cell that has a result; cells as they stand."""
    found: dict[Cell, dict[int, Result]] = {}
    for shop, result in results:
        found.setdefault(shop.cell, {})[shop.seed] = result
    return [
        _report(cell, tuple(seeds[seed] for seed in sorted(seeds))) for cell, seeds in found.items()
    ]


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
            f"{gain.value:+.4f}" + _within(gain, 1, ".4f"),
            f"{100 * share.value:.0f}" + _within(share, 100, ".0f") + " %",
            f"{max(result.examination_error for result in report.results):.3f}",
            "/".join(sorted(kinds)),
        ]


TITLE = """NDCG@10 by what is truly wanted, over fresh requests; 1 is the true order.
Gap: between the naive ranker and the ideal one, the naive taught the truth; ± 95 % over the seeds.
The curve of examination is off by so much at its worst position, in the worst of the seeds."""
COLUMNS = ["bias", "logging ranker", "clicks", "naive", "chosen", "ideal", "gain", "gap closed",
           "curve off by", "chosen was"]  # fmt: skip


def _within(interval: Interval, scale: float, digits: str) -> str:
    half = scale * (interval.high - interval.value)
    return f" ± {half:{digits}}" if np.isfinite(half) else ""


def shop_line(shop: Shop, result: Result) -> str:
    """One shop in a line."""
    gap = result.ideal - result.naive
    closed = f"{100 * (result.chosen - result.naive) / gap:.0f} %" if gap else "no gap"
    return (
        f"seed {shop.seed}, bias {shop.cell.bias_strength}, {shop.cell.logging_ranker}, "
        f"{shop.cell.click_model}: naive {result.naive:.4f}, chosen {result.chosen:.4f} "
        f"({result.contender}), ideal {result.ideal:.4f}; closed {closed}"
    )


def _begin() -> None:
    """Let a worker fit on one core, and leave Ctrl-C to the process that asked."""
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _kept(shop: Shop, cache: Path) -> tuple[Shop, Result]:
    """From the cache, or run and put there."""
    named = json.dumps([*asdict(shop).values(), code_version()])
    path = cache / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return shop, Result(**json.loads(path.read_text())["result"])
    result = run(shop.cell, shop.size, shop.seed)
    cache.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps({"cell": asdict(shop.cell), "result": asdict(result)}) + "\n")
    half.replace(path)
    return shop, result


def code_version() -> str:
    """Hash of the code that decides a result."""
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
    """Student's 95 % interval of a mean over seeds; of one seed nothing is known."""
    from scipy import stats

    if spread.size < 2:
        return Interval(value, -np.inf, np.inf)
    half = stats.t.ppf(0.975, spread.size - 1) * spread.std(ddof=1) / np.sqrt(spread.size)
    return Interval(value, value - float(half), value + float(half))
