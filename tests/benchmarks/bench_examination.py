"""Compare the examination learned from clicks with the simulated truth, at two sizes of the log.

python -m tests.benchmarks examination

A strong ranker made the log, examination falls as 1 / position, and no slate is randomized.  The
result has, for each click model, the learned and the true examination probability by position, and
the largest difference, which must be below BOUND in the larger log.
"""

from time import process_time

import numpy as np

from training.dataset import TRAIN, VALIDATE
from training.ranker import FitRows, fit
from training.ranker.variants import EXAMINED, shown_of
from training.studies.simulation import CLICK_MODELS
from training.studies.truth.cell import CONFIGURATIONS, config_of, examination_error
from training.studies.truth.grid import Cell, ShopSize
from training.studies.truth.log import simulated_log

SIZES = (100_000, 1_000_000)
BOUND = 0.05
_SEED = 31


def main() -> dict[str, object]:
    """Return the curves and their errors, by click model and size."""
    models = {name: {size: _learned(name, size) for size in SIZES} for name in CLICK_MODELS}
    errors = {name: by_size[SIZES[-1]]["largest_error"] for name, by_size in models.items()}
    assert max(errors.values()) < BOUND, errors
    return {
        "what": f"examination by position, learned from {SIZES[-1]:,} impressions, and true",
        "by_click_model": models,
        "largest_errors": errors,
    }


def _learned(click_model: str, impressions: int) -> dict[str, object]:
    size = ShopSize(
        users=3000,
        items=1000,
        days=14,
        impressions=impressions,
        slate=10,
        randomized_share=0.0,
        temperature=1.0,
        fresh_slates=100,
    )
    log = simulated_log(
        config_of(Cell(1.0, "strong", click_model), size, _SEED), size.days, size.fresh_slates
    )
    started, train = process_time(), log.data.part(TRAIN)
    fitted = fit(EXAMINED, CONFIGURATIONS[0], FitRows(train, log.data.part(VALIDATE)))
    curve = fitted.objective.examination.curve(shown_of(train))
    position = log.data.column("position")
    true = [log.examination[position == index + 1].mean() for index in range(curve.size)]
    return {
        "impressions": log.data.size,
        "learned": np.round(curve, 3).tolist(),
        "true": np.round(true, 3).tolist(),
        "largest_error": round(examination_error(log, curve.tolist()), 4),
        "cpu_seconds": round(process_time() - started, 1),
    }
