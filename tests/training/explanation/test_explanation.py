"""The contributions explain a slate's scores completely, and become reasons in words."""

from dataclasses import replace

import numpy as np
import pytest

from training.dataset import Dataset
from training.explanation.explanation import explain, slate_of_dataset
from training.explanation.reasons import phrase, reason
from training.ranker import Ranker, choose_and_fit
from training.ranker.configuration import GRID


@pytest.fixture
def dataset(made_dataset):
    return made_dataset


@pytest.fixture
def ranker(fitted):
    return fitted[0]


def slate_apart_by_taste(ranker, dataset):
    """Three items that differ only in one feature."""
    items, matrix = slate_of_dataset(dataset, "r0003")
    matrix = np.repeat(matrix[:1], 3, axis=0)
    matrix[:, ranker.columns.index("taste__lift")] = [-2.0, 0.0, 2.0]
    return items[:3], matrix


@pytest.mark.parametrize("exact", [True, False])
def test_shares_sum_to_the_score(ranker, dataset, exact):
    matrix = Dataset.load(dataset).matrix[:60]

    shares = ranker.shares(matrix, exact=exact).astype(np.float64)

    np.testing.assert_allclose(shares.sum(axis=1), ranker.apply(matrix), atol=1e-5, rtol=0)


def test_a_slate_is_explained_best_item_first(ranker, dataset):
    items, matrix = slate_of_dataset(dataset, "r0003")

    explained = explain(ranker, items, matrix)

    assert sorted(one.item for one in explained) == sorted(items)
    assert [one.score for one in explained] == sorted(
        (one.score for one in explained), reverse=True
    )
    for one in explained:
        assert one.base + sum(one.shares.values()) == pytest.approx(one.score, abs=1e-5)


def test_most_important_feature_is_the_first_reason_of_the_best_item(ranker, dataset):
    items, matrix = slate_apart_by_taste(ranker, dataset)

    best = explain(ranker, items, matrix)[0]

    assert best.item == items[2]
    assert best.reasons[0].endswith(
        "for match with what the shopper clicked lately: 2, 0 in the middle of the slate"
    )
    assert best.reasons[0].startswith("+")


def test_feature_with_equal_values_in_the_slate_is_no_reason(dataset):
    stumps = replace(GRID[0], max_depth=1)
    ranker = choose_and_fit(Dataset.load(dataset), grid=(stumps,))[0]
    items, matrix = slate_apart_by_taste(ranker, dataset)

    best = explain(ranker, items, matrix)[0]

    assert len(best.reasons) == 1
    assert best.reasons[0].endswith(
        "for match with what the shopper clicked lately: 2, 0 in the middle of the slate"
    )


def test_probabilities_come_with_the_scores_and_are_saved(ranker, dataset, tmp_path):
    items, matrix = slate_of_dataset(dataset, "r0003")
    ranker.save(tmp_path / "ranker")

    explained, again = (
        explain(one, items, matrix) for one in (ranker, Ranker.load(tmp_path / "ranker"))
    )

    chances = [one.probability for one in explained]
    assert chances == [one.probability for one in again]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)


def test_missing_request_has_no_slate(dataset, tmp_path):
    assert slate_of_dataset(dataset, "never") is None
    assert slate_of_dataset(tmp_path / "absent.parquet", "r0003") is None


def test_every_column_has_its_own_phrase(ranker):
    explained = [phrase(column) for column in ranker.columns]

    assert not [words for words in explained if "__" in words]
    assert phrase("strange__thing_x") == "strange thing x"


def test_reason_says_that_a_value_is_missing():
    assert "-0.200 for click rate of the item in 7 days: no value" in reason(
        "rate__item_7d", -0.2, float("nan"), [0.1, 0.2]
    )


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("user_engagement__clicks_all", "clicks of the shopper of all time"),
        ("rate__user_1d", "click rate of the shopper today"),
        ("user__tenure_seconds", "time since the shopper's first event"),
        ("session__item_clicked", "clicks on it in this visit"),
        ("session__brand_share", "share of this visit's clicks with its brand"),
        ("session__clicks", "clicks in this visit"),
    ],
)
def test_reasons_are_true_of_a_visitor_without_a_name(column, words):
    assert phrase(column) == words
