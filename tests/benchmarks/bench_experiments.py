"""How often the analysis of experiments errs, in simulated tests whose truth is known.

python -m tests.benchmarks experiments [SEED]

2,000 tests without a difference, 1,000 with a lift, splits of 200,000 units, and a million ids in
20 layers.  The tests in tests/training check the same with other seeds.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import scipy.stats

from tests.training.experiment_analysis.simulated_units import (
    LIFT,
    METRICS,
    ORDERS,
    RATE,
    coverage,
    lifted_tests,
    peeked_tests,
    same_tests,
    true_orders,
    true_rate,
    wrong_sequences,
)
from training.experiment_analysis.difference import difference, interval
from training.experiment_analysis.sample_ratio import MISMATCH_P, sample_ratio_p
from training.experiments import Experiment, Variant, variant_of
from training.experiments.assignment import bucket_of
from training.experiments.experiment import BUCKETS

IDS, LAYERS, MOVED_IDS = 1_000_000, 20, 100_000
SPLIT_UNITS, SPLITS = 200_000, 20_000
WAYS = {"plain": False, "CUPED": True}

Figures = dict[str, object]


def main(seed: str = "1") -> Figures:
    """Return the rates of errors; other seeds draw other shoppers and ids."""
    number = int(seed)
    same, peeks, lifted = same_tests(number), peeked_tests(number + 1), lifted_tests(number + 2)
    looks = {metric.name: wrong_sequences(peeks, metric) for metric in METRICS}
    return {
        "what": "errors of the analysis of experiments, in simulated tests",
        "seed": number,
        "significant_without_a_difference": {
            f"{metric.name}, {way}": float(
                np.mean(difference(*same, metric, adjust=adjust).p_value < 0.05)
            )
            for metric in METRICS
            for way, adjust in WAYS.items()
        },
        "sequence_wrong_in_50_looks": {n: float(np.mean(one)) for n, (one, _) in looks.items()},
        "p_value_wrong_in_50_looks": {n: float(np.mean(one)) for n, (_, one) in looks.items()},
        "intervals_that_contain_the_lift": {
            f"{metric.name}, {way}": _coverage(lifted, metric, truth, adjust=adjust)
            for metric, truth in ((RATE, true_rate), (ORDERS, true_orders))
            for way, adjust in WAYS.items()
        },
        "variance_with_cuped": {
            metric.name: float(np.median(difference(*same, metric).variance_ratio))
            for metric in METRICS
        },
        "sample_ratio": {
            "detected_at_49_51": _mismatches(number, 0.49),
            "false_alarms": _mismatches(number, 0.5),
        },
        "assignment": _assignment(number),
    }


def _coverage(arms, metric, truth, *, adjust: bool) -> dict[str, float]:
    result = difference(*arms, metric, adjust=adjust)
    absolute = interval(result.difference, result.error)
    relative = interval(result.relative, result.relative_error)
    return {
        "absolute": coverage(absolute, truth(LIFT) - truth()),
        "relative": coverage(relative, LIFT),
    }


def _mismatches(seed: int, share: float) -> float:
    control = np.random.default_rng(seed).binomial(SPLIT_UNITS, share, size=SPLITS)
    p_values = {n: sample_ratio_p([n, SPLIT_UNITS - n], [1, 1]) for n in set(control.tolist())}
    return float(np.mean([p_values[n] < MISMATCH_P for n in control.tolist()]))


def _assignment(seed: int) -> Figures:
    """Return the range of p-values over layers and pairs of layers, and which ids move."""
    ids = [f"{seed}-{n}" for n in range(IDS)]
    layers = [
        np.array([bucket_of(f"layer-{n}", "user", each) for each in ids]) for n in range(LAYERS)
    ]
    even = [scipy.stats.chisquare(np.bincount(one, minlength=BUCKETS)).pvalue for one in layers]
    tenths = [one * 10 // BUCKETS for one in layers]
    pairs = [
        scipy.stats.chi2_contingency(np.histogram2d(*pair, 10)[0]).pvalue
        for pair in combinations(tenths, 2)
    ]
    variants = (Variant("control"), Variant("b"))
    before = Experiment("grown", "layer-0", "user", (0, BUCKETS - 1), variants)
    after = replace(before, variants=(variants[0], replace(variants[1], weight=1.5)))
    moves = [
        (one.name, other.name)
        for each in ids[:MOVED_IDS]
        if (one := variant_of(before, "user", each)) != (other := variant_of(after, "user", each))
        and one is not None
        and other is not None
        and one.name != other.name
    ]
    return {
        "ids": IDS,
        "p_of_layers": [float(min(even)), float(max(even))],
        "p_of_pairs": {"pairs": len(pairs), "smallest": float(min(pairs))},
        "moved_by_a_weight_of_1.5": {
            "share": len(moves) / MOVED_IDS,
            "needed": 1.5 / 2.5 - 1 / 2,
            "directions": sorted({f"{one} to {other}" for one, other in moves}),
        },
    }
