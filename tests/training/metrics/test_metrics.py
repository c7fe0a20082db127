"""Metrics agree with pytrec_eval, except for their documented conventions."""

from itertools import combinations

import numpy as np
import pytest
import pytrec_eval
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feature_repo.home import DatasetError, SettingError
from tests.scale import examples
from training.metrics import Metric, Slates, ndcg

REFERENCE = {
    **{
        f"{kind}@{k}": f"{measure}_{k}"
        for k in (1, 5, 10)
        for kind, measure in (("ndcg", "ndcg_cut"), ("recall", "recall"), ("precision", "P"))
    },
    "mrr": "recip_rank",
    "map": "map",
}
NAMES = [*REFERENCE, "coverage@2", "novelty@2", "diversity@2", "revenue@2"]

rows_of_a_slate = st.lists(
    st.tuples(st.integers(-3, 3), st.sampled_from([0, 0, 1, 3, 6])), min_size=1, max_size=15
)


def by_pytrec_eval(slates, measures):
    """pytrec_eval orders equal scores by descending id, so ids descend with the position."""
    run, judgments = {}, {}
    for number, slate in enumerate(slates):
        ids = [f"{99 - position:02d}" for position in range(len(slate))]
        scores, gains = zip(*slate, strict=True)
        run[f"{number:03d}"] = dict(zip(ids, map(float, scores), strict=True))
        judgments[f"{number:03d}"] = dict(zip(ids, gains, strict=True))
    values = pytrec_eval.RelevanceEvaluator(judgments, set(measures)).evaluate(run)
    return {m: np.array([values[slate][m] for slate in sorted(values)]) for m in measures}


def measured(names, scores, gains, qid, **data):
    slates = Slates(np.asarray(qid), np.asarray(gains, float), **data)
    return slates.measure([Metric.parse(name) for name in names], scores)


@settings(deadline=None, max_examples=examples(150))
@given(st.lists(rows_of_a_slate, min_size=1, max_size=12))
@example([[(0, 0)], [(0, 1), (0, 1)], [(1, 0)] * 15])
def test_metrics_agree_with_pytrec_eval_on_ties_and_on_empty_and_short_slates(slates):
    scores, gains = np.array([row for slate in slates for row in slate]).T
    qid = np.repeat(np.arange(len(slates)), [len(slate) for slate in slates])
    empty = np.array([not any(gain for _, gain in slate) for slate in slates])

    results, expected_values = (
        measured(REFERENCE, scores, gains, qid),
        by_pytrec_eval(slates, REFERENCE.values()),
    )

    for name, reference in REFERENCE.items():
        np.testing.assert_allclose(
            results[name][~empty],
            expected_values[reference][~empty],
            atol=1e-12,
            rtol=0,
            err_msg=name,
        )
        assert np.isnan(results[name][empty]).all()
        assert (expected_values[reference][empty] == 0).all()


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(rows_of_a_slate, min_size=1, max_size=8), st.integers(1, 12), st.randoms())
def test_other_metrics_equal_a_loop_over_the_first_k(slates, k, random):
    scores, gains = np.array([row for slate in slates for row in slate]).T
    qid = np.repeat(np.arange(len(slates)), [len(slate) for slate in slates])
    item, group = (np.array([random.randrange(-low, 6) for _ in qid]) for low in (0, 1))
    bits, worth = (np.array([random.random() for _ in qid]) for _ in range(2))
    tops = [
        sorted(np.flatnonzero(qid == slate), key=lambda row: -scores[row])[:k]
        for slate in range(len(slates))
    ]

    def differing(rows):
        pairs = list(combinations([group[row] for row in rows if group[row] >= 0], 2))
        return np.mean([a != b for a, b in pairs]) if pairs else np.nan

    results = measured(
        [f"{kind}@{k}" for kind in ("coverage", "novelty", "diversity", "revenue")],
        scores,
        gains,
        qid,
        items=item,
        groups=group,
        information=bits,
        worth=worth,
    )

    expected = {
        "coverage": [len({item[row] for top in tops for row in top}) / len(set(item))],
        "novelty": [np.mean(bits[top]) for top in tops],
        "diversity": [differing(top) for top in tops],
        "revenue": [np.sum(worth[top]) for top in tops],
    }
    for kind, values in expected.items():
        np.testing.assert_allclose(results[f"{kind}@{k}"], values, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_printed_as_it_was_parsed(name):
    assert str(Metric.parse(name)) == name


@pytest.mark.parametrize("text", ["ndcg", "NDCG@10", "mrr@5", "ndcg@0", "ndcg@-1", "ndgc@10", ""])
def test_an_unknown_metric_is_rejected_with_the_valid_names(text):
    with pytest.raises(SettingError, match="expected mrr, map, or ndcg, recall"):
        Metric.parse(text)


def test_gain_is_linear():
    assert ndcg([2, 1], [1, 3], [0, 0])[0] == pytest.approx(
        (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    )


def test_equal_scores_keep_the_displayed_order():
    assert measured(["mrr"], [5, 5, 5], [0, 1, 0], [0, 0, 0])["mrr"].tolist() == [0.5]


def test_a_missing_score_ranks_last():
    assert measured(["mrr"], [np.nan, 0.0], [1, 0], [0, 0])["mrr"].tolist() == [0.5]


def test_metrics_of_missing_data_are_missing():
    values = measured(NAMES, [2, 1], [1, 0], [0, 0])

    assert [name for name, value in values.items() if np.isnan(value).all()] == NAMES[-4:]


def test_no_rows_have_no_metrics():
    assert {n: v.size for n, v in measured(NAMES, [], [], []).items() if v.size} == {
        "coverage@2": 1
    }


def test_unsorted_rows_are_rejected():
    with pytest.raises(DatasetError, match="sorted by qid"):
        ndcg([1, 2, 3], [1, 0, 0], [0, 1, 0])


def test_the_order_of_rows_within_a_slate_changes_no_metric():
    rng = np.random.default_rng(1)
    scores, gains = rng.permutation(400), rng.choice([0, 0, 0, 1, 3, 6], size=400)
    qid = np.repeat(np.arange(50), 8)
    order = np.lexsort((rng.random(400), qid))

    straight, shuffled = (
        measured(REFERENCE, scores[rows], gains[rows], qid) for rows in (slice(None), order)
    )

    for name, values in straight.items():
        np.testing.assert_allclose(shuffled[name], values, atol=1e-12)
