"""Too few rankings or users are named with their number, instead of a ranker without meaning."""

import numpy as np
import pyarrow as pa
import pytest

from feature_repo.home import NotEnoughError
from training.dataset import check_sufficiency
from training.dataset.split import split_rankings
from training.dataset.sufficiency import RANKINGS, SLATES

SLATE = 4
CLICKED, USERS = SLATES.informative, SLATES.users


def table(clicked, *, users=20, order=None):
    """Labelled items of slates; `clicked` has the number of clicks of each slate, from the top."""
    slates = len(clicked)
    slate, position = np.divmod(np.arange(slates * SLATE), SLATE)
    rows = pa.table(
        {
            "request_id": [f"r{n}" for n in slate],
            "user_id": [f"u{n % users}" if users else None for n in slate],
            "t": slate,
            "split": split_rankings(slates)[slate],
            "gain": (position < np.asarray(clicked, int)[slate]).astype(np.float32),
        }
    )
    return rows if order is None else rows.take(pa.array(order.permutation(len(rows))))


def missing(rows):
    with pytest.raises(NotEnoughError) as refused:
        check_sufficiency(rows)
    return {one.what: (one.count, one.needed) for one in refused.value.shortages}


def test_one_ranking_of_one_user_is_not_enough():
    assert missing(table([1])) == {RANKINGS: (1, 50), CLICKED: (1, 50), USERS: (1, 10)}


def test_rankings_without_a_click_are_not_enough():
    assert missing(table([0] * 80)) == {CLICKED: (0, 50), USERS: (0, 10)}


def test_rankings_whose_items_were_all_clicked_are_not_enough():
    assert missing(table([SLATE] * 80)) == {CLICKED: (0, 50), USERS: (0, 10)}


def test_rankings_of_one_user_are_not_enough():
    assert missing(table([1] * 80, users=1)) == {USERS: (1, 10)}


def test_a_split_without_clicks_is_named():
    clicked = [1] * 90 + [0] * 30

    assert missing(table(clicked)) == {f"{CLICKED}, in the test split": (0, 5)}


def test_visits_without_a_user_count_as_users_and_the_order_of_rows_does_not_matter():
    check_sufficiency(table([1] * 60, users=0))
    check_sufficiency(table([1] * 60, order=np.random.default_rng(1)))
