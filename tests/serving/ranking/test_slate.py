"""From scores to a slate, and from a slate to the log."""

import base64

import numpy as np
import pytest

from feature_repo.request_features import feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior, RequestContext, with_overrides
from feature_repo.request_features.families import SOURCES
from feature_repo.shop import Shop, ShopField
from serving.query import SURFACES, Query
from serving.ranking import Scored, drop_deleted, order_by_score
from serving.recording import served_event, shown_event
from serving.recording.answer_log import is_recorded
from training.retrieval.catalogue import Candidates

SHOP = Shop("s", (ShopField("Price", "number", "price"), ShopField("tags", "list", "tags")))
SCORED = Scored(
    ["a", "b", "c", "d"],
    np.array([1.0, 3.0, 1.0, 2.0]),
    "v1",
    "ranking_v1",
    ("x", "y"),
    np.arange(8, dtype=np.float32).reshape(4, 2),
)


def ids(slate):
    return [slate.scored.item_ids[n] for n in slate.order]


def slate_size(context):
    column = feature_columns(SHOP).index("slate__size")
    return feature_matrix(context, SHOP, RatePrior())[0, column]


def facts(**items):
    return RequestContext(t=1, item_ids=["a", "b", "c", "d"], items=items)


def test_the_best_comes_first_and_equal_scores_keep_their_order():
    assert ids(order_by_score(SCORED, SCORED.item_ids)) == ["b", "d", "a", "c"]


def test_deleted_items_are_dropped_before_features_compare_the_others():
    context = facts(
        item_attributes__is_deleted=[None, True, False, True], item_attributes__price=[1, 2, 3, 4]
    )

    item_ids, remaining = drop_deleted(context.item_ids, context, frozenset("a"))

    assert item_ids == remaining.item_ids == ["a", "c"]
    assert remaining.items["item_attributes__price"] == [1, 3]
    assert slate_size(remaining) == 2
    slate = order_by_score(Scored(item_ids, np.array([1.0, 2.0])), context.item_ids)
    assert (ids(slate), slate.dropped) == (["c", "a"], ["b", "d"])


def test_without_a_context_the_deleted_ids_are_dropped():
    assert drop_deleted(["a", "b"], None, frozenset()) == (["a", "b"], None)
    assert drop_deleted(["a", "b", "c"], None, frozenset("bz")) == (["a", "c"], None)


def test_vectors_are_logged_in_the_order_of_the_answer():
    event = served_event(
        Query("r", 5), Candidates(), order_by_score(SCORED, SCORED.item_ids), (), ["record"], 1.0
    )

    assert event.vectors is not None
    rows = np.frombuffer(base64.b64decode(event.vectors), "<f4").reshape(4, 2)
    assert rows.tolist() == [[2, 3], [6, 7], [0, 1], [4, 5]]
    assert event.layout == ("x", "y")
    assert event.event_time == 5
    assert event.degraded == ("record",)


def test_outside_the_recorded_share_the_answer_is_logged_without_vectors():
    event = served_event(
        Query("r", 5), Candidates(), order_by_score(SCORED, SCORED.item_ids), (), [], 0.0
    )

    assert (event.vectors, event.layout) == (None, ())
    assert [item.item_id for item in event.items] == ["b", "d", "a", "c"]


def test_a_shown_event_has_the_items_of_the_served_event():
    slate = order_by_score(SCORED, SCORED.item_ids)
    query = Query("r", 5, user_id="u", text="q", market="uk")

    served, shown = (
        served_event(query, Candidates(), slate, (), [], 0.0),
        shown_event(query, slate),
    )

    assert shown.items == served.items
    assert (shown.request_id, shown.user_id, shown.query, shown.market) == ("r", "u", "q", "uk")


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_recorded_requests_are_about_the_share_and_always_the_same(share):
    recorded = [is_recorded(f"request-{n}", share) for n in range(4000)]

    assert recorded == [is_recorded(f"request-{n}", share) for n in range(4000)]
    assert abs(np.mean(recorded) - share) < 0.05


def test_overrides_replace_stored_values_by_declared_type():
    stored = facts(item_attributes__price=[1.0, 2.0, None, 4.0], item_attributes__tags=[["x"]] * 4)

    overridden = with_overrides(
        stored,
        {"a": {"Price": "9.5"}, "c": {"Price": 3.0, "undeclared": 1}, "d": {"Price": None}},
        SHOP,
    )

    assert list(overridden.items["item_attributes__price"]) == [9.5, 2.0, 3.0, None]
    assert overridden.items["item_attributes__tags"] == [["x"]] * 4


def test_overrides_apply_to_columns_of_the_historical_join_too():
    joined = facts(item_attributes__price=np.array([1.0, np.nan, 3.0, 4.0]))

    overridden = with_overrides(joined, {"b": {"Price": 9}}, SHOP)

    assert list(overridden.items["item_attributes__price"]) == [1.0, 9.0, 3.0, 4.0]


def test_an_override_of_a_missing_value_counts_too():
    overridden = with_overrides(facts(), {"b": {"tags": ["new"]}}, SHOP)

    assert overridden.items["item_attributes__tags"] == [None, ["new"], None, None]


def test_every_source_of_a_surface_is_a_feature():
    sources = {name for surface in SURFACES.values() for name in surface.sources}

    assert sources == set(SOURCES)


def test_an_answer_is_logged_with_the_sources_of_its_items():
    sources = {"a": {"lexical": (2, 1.5), "rules": (1, 0.0)}, "c": {"past": (1, 0.9)}}
    candidates = Candidates(["a", "b", "c"], [3, 2, 1], sources)
    slate = order_by_score(Scored(["a", "b", "c"], np.array([1.0, 2.0, 3.0])), ["a", "b", "c"])

    retrieved = served_event(Query("r", 5), candidates, slate, (), [], 0.0).sources
    without_sources = served_event(
        Query("r", 5), Candidates(["a", "b", "c"]), slate, (), [], 0.0
    ).sources

    assert retrieved == ({"past": (1, 0.9)}, {}, {"lexical": (2, 1.5)})
    assert without_sources == ()
