"""The page says when the displayed order wins, and whether clicks follow it."""

import pytest

from training.evaluation.shown_order import shown_order_note


def evaluation(shown, ranker=0.5, curve=(1.0, 0.6, 0.25)):
    models = [
        {"name": name, "metrics": {"ndcg@10": {"value": value}}}
        for name, value in (("shown order", shown), ("ranker", ranker))
    ]
    return {"models": models, "training": {"examination": {"all": list(curve)}}}


def test_an_order_ahead_of_the_ranker_is_explained_by_the_examination_of_positions():
    note = shown_order_note(evaluation(0.7))

    assert "ranks these clicks better than the ranker (0.7000 to 0.5000)" in note
    assert "because clicks follow it: shoppers look at position 3 25% as often" in note


def test_an_order_ahead_of_the_ranker_without_position_bias_may_be_better():
    note = shown_order_note(evaluation(0.7, curve=(1.0, 0.97, 0.95)))

    assert "no position bias: the shown order may be better" in note


@pytest.mark.parametrize(("shown", "ranker"), [(0.4, 0.5), (0.5, 0.5), (None, 0.5), (0.7, None)])
def test_an_order_that_is_not_ahead_needs_no_note(shown, ranker):
    assert shown_order_note(evaluation(shown, ranker)) is None
