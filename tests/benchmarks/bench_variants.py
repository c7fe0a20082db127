"""Fit all variants on rows that XGBoost gets once for all fits, and once for each fit.

python -m tests.benchmarks variants

Both ways must give the same boosters.  Noise, a third of it missing, adds columns to those of
a simulated shop.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from training.dataset import TRAIN, VALIDATE, Dataset
from training.ranker import Configuration, FitRows, fit
from training.ranker.configuration import GRID
from training.ranker.variants import VARIANTS
from training.studies.simulation import ShopConfig
from training.studies.truth.log import simulated_log

FEATURES, MISSING = 280, 1 / 3
DAYS = 10
SHOP = ShopConfig(users=500, items=500, seed=3, rankings_per_user_day=1.0)
FITS = [
    (variant.name, configuration)
    for variant in VARIANTS.values()
    if variant.fit
    for configuration in (GRID if variant.tries_grid else GRID[:1])
]

Boosters = list[bytes]


def main() -> dict[str, object]:
    """Return the CPU seconds of both ways, after they gave the same boosters."""
    data = _data()
    ways = {"shared": _shared, "each": _each}
    results = {name: _measured(way, data) for name, way in ways.items()}
    (shared, shared_seconds), (each, each_seconds) = results["shared"], results["each"]
    assert shared == each
    return {
        "what": f"{len(FITS)} fits of {data.size:,} rows x {FEATURES} features",
        "cpu_seconds": {"shared": shared_seconds, "each": each_seconds},
        "ratio": each_seconds / shared_seconds,
    }


def _measured(way: Callable[[Dataset], Boosters], data: Dataset) -> tuple[Boosters, float]:
    started = time.process_time()
    return way(data), time.process_time() - started


def _shared(data: Dataset) -> Boosters:
    rows = _rows(data)
    return [_booster(rows, *one) for one in FITS]


def _each(data: Dataset) -> Boosters:
    return [_booster(_rows(data), *one) for one in FITS]


def _rows(data: Dataset) -> FitRows:
    return FitRows(data.part(TRAIN), data.part(VALIDATE))


def _booster(rows: FitRows, variant: str, configuration: Configuration) -> bytes:
    return bytes(fit(variant, configuration, rows).booster.save_raw("json"))


def _data() -> Dataset:
    """Return a simulated log, whose columns are followed by noise."""
    log = simulated_log(SHOP, DAYS, 100)
    noise = np.random.default_rng(0)
    columns = log.data.facts.columns
    more = FEATURES - len(columns)
    matrix = noise.normal(size=(log.data.size, more)).astype(np.float32)
    matrix[noise.random(matrix.shape, np.float32) < MISSING] = np.nan
    names = (*columns, *(f"noise__{number}" for number in range(more)))
    facts = replace(log.data.facts, columns=names)
    return Dataset(facts, log.data.keys, np.hstack([log.data.matrix, matrix]))
