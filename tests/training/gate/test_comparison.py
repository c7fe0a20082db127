"""A ranker must beat the one in use, or the best baseline, by its interval over users."""

import numpy as np
import pyarrow as pa
import pytest

from feature_repo.home import to_text
from training.dataset import Dataset
from training.gate.comparison import IN_USE, check_better, check_not_worse, compare_on
from training.gate.in_use import RankerInUse
from training.metrics import mean_interval, ndcg
from training.ranker import BASELINES, SHOWN, TRAINING, Ranker, instants_of, users_of

ALL_SEEN, NONE_SEEN = 1 << 60, 0


@pytest.fixture(scope="module")
def data(made_dataset):
    """All slates of the synthetic dataset: 20 users, and visits without one."""
    return Dataset.load(made_dataset)


@pytest.fixture(scope="module")
def gain(data):
    return data.column("gain").astype(float)


def best_scores(gain, noise=0.0):
    """Scores that rank by the gain, apart from noise."""
    return gain + np.random.default_rng(2).normal(scale=noise, size=gain.size)


def in_use(fitted, learned_until):
    return RankerInUse(fitted[0], learned_until)


def test_the_best_baseline_is_the_one_to_beat_and_the_shown_order_is_none(data, gain):
    qid = data.column("qid")
    means = {name: np.nanmean(ndcg(order(data), gain, qid)) for name, order in BASELINES.items()}
    keys = data.keys
    best_first = np.concatenate(
        [np.argsort(np.argsort(-gain[qid == slate], kind="stable")) + 1 for slate in np.unique(qid)]
    )
    column = keys.column_names.index("position")
    followed = Dataset(
        data.facts, keys.set_column(column, "position", pa.array(best_first)), data.matrix
    )

    first, second = (
        compare_on("split", rows, best_scores(gain), gain) for rows in (data, followed)
    )

    assert first.other == max(means.keys() - {SHOWN}, key=means.get)
    assert not check_better(first).refuses
    assert check_better(second) == check_better(first)


def test_slates_without_a_user_are_of_the_shopper_of_their_session(data):
    users = data.keys["user_id"].combine_chunks()
    sessions = pa.array([None if qid % 2 else "s" for qid in data.column("qid").tolist()])
    visits = Dataset(data.facts, data.keys.append_column("session_id", sessions), data.matrix)

    shoppers = users_of(visits)

    expected = {
        qid: user or session or request
        for qid, user, session, request in zip(
            data.column("qid").tolist(),
            users.to_pylist(),
            sessions.to_pylist(),
            data.column("request_id").tolist(),
            strict=True,
        )
    }
    assert shoppers.tolist() == [*expected.values()]


def test_a_gain_whose_interval_contains_zero_is_not_published(data, gain):
    baseline = BASELINES[compare_on("split", data, gain, gain).other](data)
    few = np.isin(data.column("qid"), np.unique(data.column("qid"))[:3])
    scores = np.where(few, gain, baseline)

    comparison = compare_on("split", data, scores, gain)

    qid = data.column("qid")
    expected = mean_interval(ndcg(scores, gain, qid) - ndcg(baseline, gain, qid), users_of(data))
    assert comparison.difference == expected
    assert expected.value > 0 >= expected.low
    assert check_better(comparison).refuses
    assert "the interval is not above zero" in check_better(comparison).reason


def test_a_ranker_that_is_hardly_worse_passes_within_a_margin(data, gain):
    baseline = BASELINES[compare_on("split", data, gain, gain).other](data)
    few = np.isin(data.column("qid"), np.unique(data.column("qid"))[:3])
    comparison = compare_on("split", data, np.where(few, -gain, baseline), gain)
    low = comparison.difference.low

    results = [check_better(comparison, margin) for margin in (0.0, -low / 2, -low * 2)]

    assert low < 0
    assert [one.refuses for one in results] == [True, True, False]
    assert f"it is not worse within the margin of {-low * 2:g}" in results[2].reason


def test_a_second_comparison_refuses_only_a_ranker_that_is_clearly_worse(data, gain):
    baseline = BASELINES[compare_on("split", data, gain, gain).other](data)
    few = np.isin(data.column("qid"), np.unique(data.column("qid"))[:3])
    orders = (np.where(few, -gain, baseline), -gain)

    results = [check_not_worse(compare_on("split", data, order, gain)) for order in orders]

    assert [one.refuses for one in results] == [False, True]


def test_a_ranker_that_beats_the_baseline_does_not_replace_a_better_one(data, gain, fitted):
    scores = best_scores(gain, noise=3.0)

    alone = compare_on("split", data, scores, gain)
    comparison = compare_on("split", data, scores, gain, in_use(fitted, NONE_SEEN))

    assert alone.difference.value > comparison.difference.value
    assert comparison.other == IN_USE
    assert comparison.difference.high < 0
    assert check_better(comparison).refuses


def test_a_better_ranker_replaces_the_one_in_use(data, gain, fitted):
    comparison = compare_on("split", data, best_scores(gain), gain, in_use(fitted, NONE_SEEN))

    assert comparison.difference.low > 0
    assert not check_better(comparison).refuses


def test_only_slates_that_the_ranker_in_use_has_not_learned_from_are_compared(data, gain, fitted):
    instants = instants_of(data)
    half = int(np.median(instants))
    later = instants > half
    part = data.rows(later)

    comparison = compare_on("split", data, best_scores(gain), gain, in_use(fitted, half))

    alone = compare_on(
        "split", part, best_scores(gain)[later], gain[later], in_use(fitted, NONE_SEEN)
    )
    assert comparison.difference == alone.difference
    assert "learned from" not in comparison.sentence


def test_if_the_one_in_use_has_learned_from_all_slates_the_reason_says_so(data, gain, fitted):
    comparison = compare_on("split", data, best_scores(gain), gain, in_use(fitted, ALL_SEEN))

    assert "which has learned from these slates (--force" in comparison.sentence


def test_a_ranker_in_use_that_reads_other_columns_is_not_compared(data, gain, fitted):
    ranker, _ = fitted
    other = Ranker(("gone__feature", *ranker.columns[1:]), ranker.prior, ranker.booster)

    comparison = compare_on("split", data, best_scores(gain), gain, RankerInUse(other, NONE_SEEN))

    assert comparison.other in BASELINES


def test_a_published_ranker_says_until_when_it_learned(data, fitted, fitted_folder):
    learned = data.part("train", "validate")

    used = RankerInUse.load(fitted_folder)

    assert used.learned_until == instants_of(learned).max() < instants_of(data).max()
    assert fitted[1].learned_until == to_text(used.learned_until)


@pytest.mark.parametrize("content", ["", "{}", '{"learned_until": "soon"}'])
def test_a_published_ranker_without_its_training_is_not_compared(fitted_folder, content):
    (fitted_folder / TRAINING).write_text(content)

    assert RankerInUse.load(fitted_folder) is None
