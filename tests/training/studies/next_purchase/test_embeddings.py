"""Pair counts equal a plain count, and embeddings of the same baskets are always the same."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.studies.next_purchase.cooccurrence import Cooccurrences
from training.studies.next_purchase.dated import DatedArtifacts
from training.studies.next_purchase.embeddings import fit_vectors

visits = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25)


@given(visits)
def test_each_pair_counts_once_in_a_context(rows):
    entity, context = np.array(rows).T

    counted = Cooccurrences.count(entity, context, 6)

    contexts = [set(entity[context == c]) for c in set(context)]
    brute = [[sum({a, b} <= c for c in contexts) for b in range(6)] for a in range(6)]
    np.testing.assert_array_equal(counted.contexts, np.diag(brute))
    np.testing.assert_array_equal(counted.pairs.toarray(), brute - np.diag(np.diag(brute)))


@given(visits)
def test_ppmi_equals_its_formula(rows):
    entity, context = np.array(rows).T
    pairs = Cooccurrences.count(entity, context, 6).pairs.toarray()

    ppmi = Cooccurrences.count(entity, context, 6).ppmi(0.75).toarray()

    smooth = pairs.sum(axis=1) ** 0.75
    for a, b in np.argwhere(pairs):
        p, pa, pb = (
            pairs[a, b] / pairs.sum(),
            pairs[a].sum() / pairs.sum(),
            smooth[b] / smooth.sum(),
        )
        assert ppmi[a, b] == pytest.approx(max(0, np.log(p / (pa * pb))))
    assert not ppmi[pairs == 0].any()


@settings(deadline=None)
@given(visits, st.integers(1, 4))
def test_cosines_keep_the_highest_of_each_row(rows, most):
    entity, context = np.array(rows).T
    counted = Cooccurrences.count(entity, context, 6)

    highest, whole = counted.cosines(most).toarray(), counted.cosines(6).toarray()

    for few, all_ in zip(highest, whole, strict=True):
        np.testing.assert_array_equal(np.sort(few)[::-1][:most], np.sort(all_)[::-1][:most])
        assert (few > 0).sum() <= most


@pytest.mark.parametrize("size", [40, 400], ids=["whole", "truncated"])
def test_same_baskets_give_the_same_vectors_of_length_one(size):
    rng = np.random.default_rng(1)
    entity, context = rng.integers(size, size=6 * size), rng.integers(size, size=6 * size)

    one, other = (fit_vectors(entity, context, size, 8) for _ in range(2))

    np.testing.assert_array_equal(one, other)
    seen = np.isin(np.arange(size), entity)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), seen, atol=1e-5)


def test_vectors_have_the_cosines_of_the_whole_decomposition():
    rng = np.random.default_rng(2)
    entity, context = rng.integers(60, size=900), rng.integers(80, size=900)

    vectors = fit_vectors(entity, context, 60, 5)

    left, values, _ = np.linalg.svd(Cooccurrences.count(entity, context, 60).ppmi(0.75).toarray())
    whole = left[:, :5] * np.sqrt(values[:5])
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, whole @ whole.T, atol=0.02)


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(-1, 10))
def test_the_artifact_in_use_is_the_newest_that_is_not_later(dates, t):
    newest = DatedArtifacts([SimpleNamespace(at=at) for at in dates]).as_of(t)

    assert (newest and newest.at) == max((at for at in dates if at <= t), default=None)
