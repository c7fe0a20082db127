"""Moves between two slates, and the feature that explains each."""

import numpy as np
import pytest

from training.dataset import Dataset
from training.explanation import ExplainedSlate, moves_between


def slate(order):
    return ExplainedSlate(order)


def test_an_item_that_rises_moves_up_and_a_new_one_has_no_earlier_position():
    moves = moves_between(slate("abc"), slate("cad"))

    assert [(move.item, move.before, move.after, move.up) for move in moves] == [
        ("c", 3, 1, 2),
        ("a", 1, 2, -1),
        ("d", None, 3, 0),
    ]
    assert {move.reason for move in moves} == {""}


@pytest.fixture
def explained(fitted, made_dataset):
    """Returns a function that makes a slate from the first rows, with other values of a feature."""
    ranker, _ = fitted
    rows = Dataset.load(made_dataset).matrix[:3]

    def make(**values):
        matrix = rows.copy()
        for column, value in values.items():
            matrix[:, ranker.columns.index(column)] = value
        features = [
            {
                name: None if np.isnan(value) else float(value)
                for name, value in zip(ranker.columns, row, strict=True)
            }
            for row in matrix
        ]
        return ExplainedSlate.of_features(["a", "b", "c"], features, ranker.columns)

    return make


def test_the_feature_that_changed_is_the_reason(fitted, explained):
    ranker, _ = fitted
    before, after = explained(taste__lift=[0.0, 0.0, 0.0]), explained(taste__lift=[-2.0, 0.0, 2.0])

    moves = moves_between(before, after, ranker)

    assert "match with what the shopper clicked lately: 0 → 2 (+" in moves[2].reason
    assert moves[1].reason == ""


def test_a_feature_that_is_equal_in_the_whole_slate_is_no_reason(fitted, explained):
    ranker, _ = fitted
    before, after = explained(taste__lift=0.0), explained(taste__lift=2.0)

    assert {move.reason for move in moves_between(before, after, ranker)} == {""}


def test_slates_without_features_have_moves_without_reasons(fitted):
    ranker, _ = fitted

    moves = moves_between(slate("ab"), slate("ba"), ranker)

    assert [(move.up, move.reason) for move in moves] == [(1, ""), (-1, "")]
