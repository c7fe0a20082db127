"""Metrics agree with pytrec_eval, and with their stated conventions where it has others."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.errors import DatasetError
from training.metrics import METRICS, ndcg, recall, reciprocal_rank

REFERENCE = {"ndcg@10": "ndcg_cut_10", "recall@10": "recall_10", "mrr": "recip_rank"}


def judged(sizes, seed):
    """Slates of the given sizes: scores all different, gains of clicks, carts and purchases."""
    rng = np.random.default_rng(seed)
    rows = int(np.sum(sizes))
    scores = rng.permutation(rows) / max(rows, 1)
    gains = rng.choice([0, 0, 0, 1, 3, 6], size=rows)
    return scores, gains, np.repeat(np.arange(len(sizes)), sizes)


def by_pytrec_eval(scores, gains, qid, measure):
    run, judgments = {}, {}
    for place, (score, gain, slate) in enumerate(zip(scores, gains, qid, strict=True)):
        run.setdefault(f"{slate:06d}", {})[str(place)] = float(score)
        judgments.setdefault(f"{slate:06d}", {})[str(place)] = int(gain)
    found = pytrec_eval.RelevanceEvaluator(judgments, {measure}).evaluate(run)
    return np.array([found[slate][measure] for slate in sorted(found)])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(0, 10_000))
def test_metrics_agree_with_pytrec_eval(sizes, seed):
    scores, gains, qid = judged(sizes, seed)
    counted = np.add.reduceat(gains, np.r_[0, np.cumsum(sizes)[:-1]]) > 0

    for name, metric in METRICS.items():
        ours = metric(scores, gains, qid)
        theirs = by_pytrec_eval(scores, gains, qid, REFERENCE[name])
        np.testing.assert_allclose(ours[counted], theirs[counted], atol=1e-12, rtol=0)
        assert np.isnan(ours[~counted]).all()


def test_gain_is_linear():
    assert ndcg([2, 1], [1, 3], [0, 0])[0] == pytest.approx(
        (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    )


def test_equal_scores_keep_the_shown_order():
    assert reciprocal_rank([5, 5, 5], [0, 1, 0], [0, 0, 0]).tolist() == [0.5]


def test_a_missing_score_ranks_last():
    assert reciprocal_rank([np.nan, 0.0], [1, 0], [0, 0]).tolist() == [0.5]


def test_only_the_first_k_positions_count():
    assert recall([3, 2, 1], [0, 0, 1], [0, 0, 0], k=2).tolist() == [0]
    assert ndcg([3, 2, 1], [0, 0, 1], [0, 0, 0], k=2).tolist() == [0]


def test_no_rows_have_no_metrics():
    assert [metric([], [], []).size for metric in METRICS.values()] == [0, 0, 0]


def test_rows_that_are_not_sorted_are_refused():
    with pytest.raises(DatasetError, match="sorted by qid"):
        ndcg([1, 2, 3], [1, 0, 0], [0, 1, 0])


def test_the_order_of_rows_within_a_slate_changes_no_metric():
    scores, gains, qid = judged([8] * 50, seed=1)
    order = np.lexsort((np.random.default_rng(2).random(qid.size), qid))

    for metric in METRICS.values():
        np.testing.assert_allclose(
            metric(scores[order], gains[order], qid), metric(scores, gains, qid), atol=1e-12
        )
