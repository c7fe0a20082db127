"""ndcg@10 of 20,000 slates: sorted arrays at once, against pytrec_eval a slate at a time.

python -m tests.benchmarks metrics
"""

from functools import partial
from statistics import median
from timeit import repeat

import numpy as np
import pytrec_eval

from training.metrics import ndcg

SLATES, ITEMS, RUNS = 20_000, 24, 5


def main() -> dict[str, object]:
    """Medians in seconds, after the two agree."""
    rng = np.random.default_rng(1)
    scores = rng.permutation(SLATES * ITEMS) / (SLATES * ITEMS)
    gains = rng.choice([0, 0, 0, 0, 1, 3, 6], size=scores.size)
    qid = np.repeat(np.arange(SLATES), ITEMS)
    run, judgments = _by_slate(scores), _by_slate(gains)
    ours, theirs = partial(ndcg, scores, gains, qid), partial(_pytrec_eval, run, judgments)
    counted = gains.reshape(SLATES, ITEMS).any(axis=1)
    np.testing.assert_allclose(ours()[counted], theirs()[counted], atol=1e-12, rtol=0)
    fast, slow = (median(repeat(one, number=1, repeat=RUNS)) for one in (ours, theirs))
    return {
        "what": f"ndcg@10 of {SLATES} slates of {ITEMS} items",
        "arrays_seconds": fast,
        "pytrec_eval_seconds": slow,
        "ratio": slow / fast,
    }


def _by_slate(values: np.ndarray) -> dict[str, dict[str, object]]:
    names = [str(place) for place in range(ITEMS)]
    return {
        f"{slate:06d}": dict(zip(names, row, strict=True))
        for slate, row in enumerate(values.reshape(SLATES, ITEMS).tolist())
    }


def _pytrec_eval(run: dict, judgments: dict) -> np.ndarray:
    """Judgments and rankings are dictionaries already: only measuring is timed."""
    found = pytrec_eval.RelevanceEvaluator(judgments, {"ndcg_cut_10"}).evaluate(run)
    return np.array([found[slate]["ndcg_cut_10"] for slate in run])
