"""Fusion of rows equals a plain loop over items, to the last bit."""

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


def rows_of(rows):
    return RankedRows(np.array(rows, np.int64), -np.arange(float(len(rows))))


def looped(results, weights, size):
    scores, ranks = {}, {}
    for name, rows in results.items():
        weight = weights.get(name, 1.0)
        for rank, row in enumerate(rows if weight else (), start=1):
            scores[ITEMS[row]] = scores.get(ITEMS[row], 0.0) + weight / (K + rank)
            ranks.setdefault(ITEMS[row], {})[name] = (rank, 1.0 - rank)
    best = sorted(scores, key=lambda item: -scores[item])[:size]
    fused = [(item, list(ranks[item].items())) for item in best]
    return best, [scores[item] for item in best], fused


@settings(max_examples=examples(200), deadline=None)
@given(sources, weights, st.sampled_from([1, 5, 50]))
def test_rows_are_fused_as_a_loop_fuses_items(results, weights, size):
    fused = fuse_rows({n: rows_of(rows) for n, rows in results.items()}, ITEMS, weights, size)

    best, scores, ranks = looped(results, weights, size)
    assert (list(fused.item_ids), list(fused.scores)) == (best, scores)
    assert [(item, list(fused.sources[item].items())) for item in fused.item_ids] == ranks
