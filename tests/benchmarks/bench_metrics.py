"""Compare four vectorized metrics of many slates with ir_measures and pytrec_eval.

python -m tests.benchmarks metrics

Judgments and rankings are converted before the clock starts: to arrays or to dictionaries.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time
from timeit import repeat

import ir_measures
import numpy as np
import pytrec_eval

from training.metrics import Metric, Slates

SIZES = (1_000, 10_000, 100_000)
MOST_ITEMS, RUNS = 24, 3
REFERENCES = {
    "ndcg@10": (ir_measures.nDCG @ 10, "ndcg_cut_10"),
    "mrr": (ir_measures.RR, "recip_rank"),
    "map": (ir_measures.AP, "map"),
    "recall@10": (ir_measures.R @ 10, "recall_10"),
}
METRICS = [Metric.parse(name) for name in REFERENCES]


def main() -> dict[str, object]:
    """Return medians of CPU seconds at three sizes, after all three agree."""
    sizes = {slates: _compared(slates) for slates in SIZES}
    return {
        "what": f"{', '.join(REFERENCES)} of slates of 1 to {MOST_ITEMS} items",
        "by_slates": sizes,
        "ratio": min(costs["ir_measures_ratio"] for costs in sizes.values()),
    }


def _compared(slates: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, MOST_ITEMS + 1, slates)
    qid = np.repeat(np.arange(slates), sizes)
    # Whole numbers, because both libraries compare scores in single precision.
    scores = rng.permutation(qid.size).astype(np.float64)
    gains = rng.choice([0, 0, 0, 0, 1, 3, 6], size=qid.size)
    run, judgments = _by_slate(scores, sizes), _by_slate(gains, sizes)
    ways = {
        "arrays": partial(_arrays, scores, gains, qid),
        "ir_measures": partial(_ir_measures, run, judgments),
        "pytrec_eval": partial(_pytrec_eval, run, judgments),
    }
    _assert_equal(gains, qid, ways)
    times = max(1, SIZES[-1] // slates // 10)
    seconds = {name: _seconds(way, times) for name, way in ways.items()}
    return {
        **{f"{name}_seconds": value for name, value in seconds.items()},
        **{
            f"{name}_ratio": seconds[name] / seconds["arrays"]
            for name in ("ir_measures", "pytrec_eval")
        },
    }


def _seconds(way: Callable, times: int) -> float:
    return median(repeat(way, number=times, repeat=RUNS, timer=process_time)) / times


def _assert_equal(gains: np.ndarray, qid: np.ndarray, ways: dict[str, Callable]) -> None:
    counted = np.bincount(qid, gains) > 0
    vectorized, measures, trec = (way() for way in ways.values())
    names = [f"{slate:07d}" for slate in np.flatnonzero(counted)]
    for name, (measure, trec_name) in REFERENCES.items():
        by_slate = {one.query_id: one.value for one in measures if one.measure == measure}
        for reference in (
            [by_slate[slate] for slate in names],
            [trec[slate][trec_name] for slate in names],
        ):
            np.testing.assert_allclose(vectorized[name][counted], reference, atol=1e-12, rtol=0)


def _by_slate(values: np.ndarray, sizes: np.ndarray) -> dict[str, dict[str, object]]:
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return {
        f"{slate:07d}": {str(index): value for index, value in enumerate(part.tolist())}
        for slate, part in enumerate(parts)
    }


def _arrays(scores: np.ndarray, gains: np.ndarray, qid: np.ndarray) -> dict[str, np.ndarray]:
    return Slates.of(gains, qid).measure(METRICS, scores)


def _ir_measures(run: dict, judgments: dict) -> list:
    measures = [measure for measure, _ in REFERENCES.values()]
    return list(ir_measures.iter_calc(measures, judgments, run))


def _pytrec_eval(run: dict, judgments: dict) -> dict:
    names = {name for _, name in REFERENCES.values()}
    return pytrec_eval.RelevanceEvaluator(judgments, names).evaluate(run)
