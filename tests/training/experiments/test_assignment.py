"""Assignment is even, independent between layers, and moves only the units that it must.

`AISLE_EXAMPLES=50` tries a million units in twenty layers.
"""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tests.scale import examples
from training.experiments import Experiment, Variant, is_held_out, variant_of
from training.experiments.assignment import bucket_of
from training.experiments.experiment import BUCKETS

UNITS = [f"u{n:07d}" for n in range(20_000 * examples(1))]
LAYERS = [f"layer-{n}" for n in range(min(20, examples(4)))]
CELLS = BUCKETS if len(UNITS) >= 100 * BUCKETS else 100
"""Groups of buckets that are counted: a chi-square test needs some units in each."""

EVEN = Experiment(
    "even",
    "ranking",
    "user",
    (0, BUCKETS - 1),
    (Variant("control"), Variant("b"), Variant("c", weight=2.0)),
)


def buckets(layer, units=UNITS):
    return np.array([bucket_of(layer, "user", unit) for unit in units])


def variants(experiment, units=UNITS):
    chosen = (variant_of(experiment, "user", unit) for unit in units)
    return np.array([variant.name if variant else "" for variant in chosen])


def is_likely(p):
    """Whether a p-value is neither too small nor too good; a false alarm in 500."""
    return 0.001 <= p <= 0.999


def test_units_are_even_over_the_buckets_and_layers_are_independent():
    by_layer = [buckets(layer) for layer in LAYERS]
    counts = [np.bincount(each * CELLS // BUCKETS, minlength=CELLS) for each in by_layer]
    even = [stats.chisquare(each).pvalue for each in counts]
    tenths = [each * 10 // BUCKETS for each in by_layer]
    independent = [
        stats.chi2_contingency(np.histogram2d(*pair, 10)[0]).pvalue
        for pair in combinations(tenths, 2)
    ]

    assert all(map(is_likely, even))
    # A false alarm in 500 for all pairs together.
    assert min(independent) * len(independent) >= 0.001
    assert (1 - max(independent)) * len(independent) >= 0.001


def test_variants_have_their_weights_and_are_independent_of_the_buckets():
    chosen = variants(EVEN)
    counts = [np.count_nonzero(chosen == name) for name in ("control", "b", "c")]
    table = [np.bincount(buckets("ranking")[chosen == name] // 1000) for name in ("b", "c")]

    assert is_likely(stats.chisquare(counts, np.array([1, 1, 2]) / 4 * len(UNITS)).pvalue)
    assert is_likely(stats.chi2_contingency(table).pvalue)


@pytest.mark.parametrize("name", ["control", "b", "c"])
def test_a_greater_weight_moves_units_to_its_variant_alone(name):
    grown = tuple(
        replace(v, weight=v.weight * 1.5 * (v.name == name) + v.weight) for v in EVEN.variants
    )

    before, after = variants(EVEN), variants(replace(EVEN, variants=grown))

    assert {*after[before != after]} == {name}


def test_a_longer_range_of_buckets_only_adds_units():
    small, large = (variants(replace(EVEN, buckets=(0, last))) for last in (999, 4999))

    assert {*small[small != large]} == {""}
    assert np.mean(large != "") == pytest.approx(0.5, abs=0.02)


def test_a_new_variant_takes_units_from_all_others():
    more = replace(EVEN, variants=(*EVEN.variants, Variant("d")))

    before, after = variants(EVEN), variants(more)

    assert {*after[before != after]} == {"d"}
    assert {*before[before != after]} == {"control", "b", "c"}


def test_the_holdout_is_a_share_that_grows_without_moving():
    small, large = ({u for u in UNITS if is_held_out(s, "user", u)} for s in (0.02, 0.05))

    assert small < large
    assert len(large) / len(UNITS) == pytest.approx(0.05, abs=0.01)


def test_a_user_and_a_session_of_one_id_are_two_units():
    same = [bucket_of("a", "user", unit) == bucket_of("a", "session", unit) for unit in UNITS]

    assert np.mean(same) < 0.01


def test_another_process_assigns_the_same():
    source = (
        "import sys\n"
        "from training.experiments.assignment import bucket_of\n"
        "print([bucket_of('ranking', 'user', u) for u in sys.argv[1:]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, *UNITS[:50]], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{buckets('ranking', UNITS[:50]).tolist()}\n"
