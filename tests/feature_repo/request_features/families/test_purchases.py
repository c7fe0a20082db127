"""The family of next purchases reads what the shopper bought before and what many buy."""

import math

import numpy as np
import pytest

from feature_repo.home import DAY
from feature_repo.request_features import RequestContext, feature_columns, feature_matrix
from feature_repo.request_features.families.purchases import HALF_LIFE_DAYS
from feature_repo.views import PURCHASE_SERVICE
from tests.feature_repo.matrix_columns import NOW, PRIOR, SHOP, recent

ITEMS = ["tea", "salt", "new"]


def values(name, *, stored=(), newer=(), orders=()):
    """One column of the candidates; `stored` has (item, times, days ago), newest rows of midnight,
    `newer` (item, days ago) of the recent list."""
    user = {
        "user_purchases__bought_item_ids": [item for item, _, _ in stored],
        "user_purchases__bought_orders": [times for _, times, _ in stored],
        "user_purchases__bought_at": [NOW - days * DAY for _, _, days in stored],
    }
    if newer:
        user |= recent(clicked=[(item, int(NOW - days * DAY)) for item, days in newer])
    items = {"item_engagement__orders_30d": list(orders)} if orders else {}
    context = RequestContext(t=NOW, user=user, item_ids=ITEMS, items=items)
    matrix = feature_matrix(context, SHOP, PRIOR, PURCHASE_SERVICE)
    return matrix[:, feature_columns(SHOP, PURCHASE_SERVICE).index(f"purchases__{name}")].tolist()


def test_purchases_of_today_are_added_once_to_those_up_to_midnight():
    stored, newer = [("tea", 3, 10), ("salt", 1, 30)], [("tea", 0.1), ("tea", 10), ("salt", 30)]

    assert values("times", stored=stored, newer=newer) == [4, 1, 0]
    assert values("last_seconds", stored=stored, newer=newer)[:2] == pytest.approx(
        [0.1 * 86400, 30 * 86400]
    )


def test_interest_halves_and_its_order_is_the_rank():
    stored = [("salt", 2, 2 * HALF_LIFE_DAYS), ("tea", 1, 0)]

    assert values("interest", stored=stored) == [1.0, 0.5, 0.0]
    assert values("to_highest", stored=stored) == [1.0, 0.5, 0.0]
    assert values("rank", stored=stored)[:2] == [1.0, 2.0]
    assert math.isnan(values("rank", stored=stored)[2])
    assert values("user_items", stored=stored) == [2.0] * 3


def test_a_shopper_without_a_purchase_has_no_values_and_the_orders_of_items_remain():
    assert np.isnan(values("times")).all()
    assert values("orders_share_30d", orders=[4, 2, math.nan]) == [1.0, 0.5, 0.0]
    assert np.isnan(values("orders_share_30d")).all()


def test_the_ranker_of_slates_reads_no_column_of_the_family():
    assert not [name for name in feature_columns(SHOP) if name.startswith("purchases__")]
