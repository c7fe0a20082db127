"""The shopper's past is scored by purchases of all time, what came since, and popularity."""

import numpy as np
import pytest

from feature_repo.home import DAY
from feature_repo.request_features.context import RequestContext
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import TopLists
from training.retrieval.sources import SourceRequest, source_specs
from training.retrieval.sources.past import HALF_LIFE_DAYS, LEAST_POPULAR
from training.retrieval.sources.templates import DECAY

T = 1000 * DAY


@pytest.fixture(scope="module")
def item_table(small_home):
    return ItemTable.fit(small_home)


@pytest.fixture
def search(item_table):
    """Returns a function: scores by item of a shopper with purchases and recent clicks."""

    def search_past(bought=(), clicked=(), popular=None, user_id="u"):
        context = RequestContext(
            t=T,
            user={
                "user_purchases__bought_item_ids": [item for item, _, _ in bought],
                "user_purchases__bought_orders": [orders for _, orders, _ in bought],
                "user_purchases__bought_at": [at for _, _, at in bought],
                "user_recent__clicked_item_ids": [item for item, _ in clicked],
                "user_recent__clicked_at": [at for _, at in clicked],
            },
        )
        lists = popular and TopLists.best(popular)
        results = source_specs()["past"].search(
            SourceRequest(
                market="default",
                user_id=user_id,
                item_ids=(),
                filters=(),
                interpreted=InterpretedQuery(),
                context=context,
                item_table=item_table,
                eligible=np.ones(len(item_table.item_ids), dtype=np.bool_),
                indexes={"popular": lists}.get,
            )
        )
        assert list(results.scores) == sorted(results.scores, reverse=True)
        return dict(zip(results.item_ids, results.scores, strict=True))

    return search_past


def test_purchases_count_half_after_a_half_life(search):
    last = T - HALF_LIFE_DAYS * DAY

    scores = search(bought=[("a", 4, last), ("b", 1, T)], clicked=[("a", last)])

    assert scores == pytest.approx({"a": 2 * LEAST_POPULAR, "b": LEAST_POPULAR})


def test_a_purchase_since_the_last_midnight_adds_to_the_earlier_ones(search):
    scores = search(bought=[("a", 2, T - 9)], clicked=[("a", T - 5), ("c", T - 5), ("a", T - 9)])

    assert scores == pytest.approx({"a": 3 * LEAST_POPULAR, "c": LEAST_POPULAR})


def test_clicks_count_by_their_age_in_events(search):
    scores = search(clicked=[("a", 9), ("b", 7), ("c", 7), ("a", 5)])

    expected = {"a": 1 + DECAY**2, "b": DECAY, "c": DECAY}
    assert scores == pytest.approx({i: LEAST_POPULAR * n for i, n in expected.items()})


def test_popular_items_of_the_past_come_first(search):
    scores = search(clicked=[("a", 9), ("b", 9)], popular={"x": 8.0, "b": 4.0})

    assert scores == pytest.approx({"b": LEAST_POPULAR + 0.5, "a": LEAST_POPULAR})


def test_a_visitor_without_a_past_has_none(search):
    assert search() == {}
    assert search(clicked=[("a", 9)], user_id=None) == {}
