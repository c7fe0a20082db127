"""Fusion of rows says what a plain loop over items says, to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from training.retrieval.catalogue import K, RankedRows, fuse_rows

ITEMS = [f"i{n}" for n in range(12)]
sources = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(st.sampled_from(range(len(ITEMS))), unique=True, max_size=9),
    max_size=4,
)
weights = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.0, 0.1, 0.5, 2.0]))


def placed_of(rows):
    return RankedRows(np.array(rows, np.int64), -np.arange(float(len(rows))))


def looped(found, weights, size):
    scores, places = {}, {}
    for name, rows in found.items():
        weight = weights.get(name, 1.0)
        for rank, row in enumerate(rows if weight else (), start=1):
            scores[ITEMS[row]] = scores.get(ITEMS[row], 0.0) + weight / (K + rank)
            places.setdefault(ITEMS[row], {})[name] = (rank, 1.0 - rank)
    best = sorted(scores, key=lambda item: -scores[item])[:size]
    told = [(item, list(places[item].items())) for item in best]
    return best, [scores[item] for item in best], told


@settings(max_examples=examples(200), deadline=None)
@given(sources, weights, st.sampled_from([1, 5, 50]))
def test_rows_are_fused_as_a_loop_fuses_items(found, weights, size):
    told = fuse_rows({n: placed_of(rows) for n, rows in found.items()}, ITEMS, weights, size)

    best, scores, places = looped(found, weights, size)
    assert (list(told.item_ids), list(told.scores)) == (best, scores)
    assert [(item, list(told.sources[item].items())) for item in told.item_ids] == places
