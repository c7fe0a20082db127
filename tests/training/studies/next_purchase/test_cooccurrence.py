"""Pair counts and cosines equal a plain count; the artifact in use is the newest of its time."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.studies.next_purchase.cooccurrence import Cooccurrences
from training.studies.next_purchase.dated import DatedArtifacts

visits = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25)


@given(visits)
def test_each_pair_counts_once_in_a_context(rows):
    entity, context = np.array(rows).T

    counted = Cooccurrences.count(entity, context, 6)

    contexts = [set(entity[context == c]) for c in set(context)]
    brute = [[sum({a, b} <= c for c in contexts) for b in range(6)] for a in range(6)]
    np.testing.assert_array_equal(counted.contexts, np.diag(brute))
    np.testing.assert_array_equal(counted.pairs.toarray(), brute - np.diag(np.diag(brute)))


@settings(deadline=None)
@given(visits, st.integers(1, 4))
def test_cosines_keep_the_highest_of_each_row(rows, most):
    entity, context = np.array(rows).T
    counted = Cooccurrences.count(entity, context, 6)

    highest, whole = counted.cosines(most).toarray(), counted.cosines(6).toarray()

    for few, all_ in zip(highest, whole, strict=True):
        np.testing.assert_array_equal(np.sort(few)[::-1][:most], np.sort(all_)[::-1][:most])
        assert (few > 0).sum() <= most


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(-1, 10))
def test_the_artifact_in_use_is_the_newest_that_is_not_later(dates, t):
    newest = DatedArtifacts([SimpleNamespace(at=at) for at in dates]).as_of(t)

    assert (newest and newest.at) == max((at for at in dates if at <= t), default=None)
