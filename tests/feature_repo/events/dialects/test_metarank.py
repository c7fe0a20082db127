"""Metarank's events become records."""

import pytest

from feature_repo.events.contract import (
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
)
from feature_repo.events.contract.events import ServedRankingEvent
from feature_repo.events.dialects import parse_events
from feature_repo.events.dialects.metarank import parse_metarank
from feature_repo.home import EventError, parse_instant

AT = parse_instant("2021-11-14T16:25:00Z")
TIME = "1636907100000"


def parse_event(raw):
    (event,) = parse_events(raw)
    return event


def test_metarank_item_becomes_upsert():
    raw = {
        "event": "item",
        "id": "81f46c34-a4bb-469c-8708-f8127cd67d27",
        "timestamp": TIME,
        "item": "product1",
        "fields": [
            {"name": "title", "value": "Nice jeans"},
            {"name": "price", "value": 25},
            {"name": "color", "value": ["blue", "black"]},
            {"name": "availability", "value": True},
        ],
    }

    assert parse_event(raw) == ItemEvent(
        event_id="81f46c34-a4bb-469c-8708-f8127cd67d27",
        event_time=AT,
        item_id="product1",
        fields={
            "title": "Nice jeans",
            "price": 25.0,
            "color": ["blue", "black"],
            "availability": True,
        },
    )


def test_metarank_user_becomes_upsert():
    raw = {
        "event": "user",
        "id": "u-1",
        "timestamp": int(TIME),
        "user": "user1",
        "fields": [{"name": "age", "value": 33}],
    }

    assert parse_event(raw) == UserEvent(
        event_id="u-1", event_time=AT, user_id="user1", fields={"age": 33.0}
    )


def test_metarank_ranking_id_becomes_event_and_request_id():
    raw = {
        "event": "ranking",
        "id": "r1",
        "timestamp": "2021-11-14T18:25:00+02:00",
        "user": None,
        "session": "s1",
        "tenant": "ignored",
        "fields": [
            {"name": "query", "value": "jeans"},
            {"name": "market", "value": "uk"},
            {"name": "source", "value": "search"},
        ],
        "items": [{"id": "p3", "relevancy": 2.0}, {"id": "p1", "relevancy": 1.0}, {"id": 7}],
    }

    assert parse_event(raw) == RankingEvent(
        event_id="r1",
        event_time=AT,
        request_id="r1",
        session_id="s1",
        query="jeans",
        market="uk",
        utc_offset_minutes=120,
        items=(ShownItem("p3", 2.0), ShownItem("p1", 1.0), ShownItem("7")),
    )


@pytest.mark.parametrize(
    "relevancy", [{"relevancy": 0.0}, {"fields": [{"name": "relevancy", "value": 0.0}]}, {}]
)
def test_constant_relevancy_is_no_score(relevancy):
    items = [{"id": "a", **relevancy}, {"id": "b", **relevancy}]
    raw = {"event": "ranking", "id": "r1", "timestamp": TIME, "items": items}

    assert parse_event(raw).items == (ShownItem("a"), ShownItem("b"))


def test_metarank_ranking_of_an_empty_list_is_parsed():
    raw = {
        "event": "ranking",
        "id": "r1",
        "timestamp": TIME,
        "items": [],
        "fields": [{"name": "query", "value": "green shoes"}],
    }

    empty, as_served = parse_event(raw), parse_event(raw | {"items": None})

    assert type(empty) is RankingEvent
    assert (empty.items, empty.query) == ((), "green shoes")
    assert type(as_served) is ServedRankingEvent


def test_metarank_interaction_refers_to_its_ranking():
    raw = {
        "event": "interaction",
        "id": "c1",
        "ranking": "r1",
        "timestamp": TIME,
        "user": "u",
        "session": "s",
        "type": "purchase",
        "item": "p1",
        "fields": [{"name": "value", "value": 9.5}, {"name": "quantity", "value": 2}],
    }

    assert parse_event(raw) == InteractionEvent(
        event_id="c1",
        event_time=AT,
        item_id="p1",
        type="purchase",
        request_id="r1",
        user_id="u",
        session_id="s",
        value=9.5,
    )
    assert parse_event(raw | {"ranking": None}).request_id is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"item": ""}, "item"),
        ({"fields": {"title": "x"}}, "fields"),
        ({"fields": [{"value": 1}]}, "fields[0]"),
        ({"fields": [{"name": "size", "value": {}}]}, "fields.size"),
        ({"event": "feedback"}, "event"),
        ({"event": "ranking", "items": {}}, "items"),
        ({"event": "ranking", "items": ["a"]}, "items[0]"),
        ({"event": "ranking", "items": [{"id": "a"}, {"id": "a"}]}, "items"),
        ({"event": "ranking", "fields": [{"name": "query", "value": 7}]}, "fields.query"),
    ],
)
def test_error_names_the_field(changes, field):
    raw = {"event": "item", "id": "1", "timestamp": TIME, "item": "i"} | changes

    with pytest.raises(EventError) as refused:
        parse_metarank(raw)

    assert refused.value.field == field


def test_value_other_than_an_object_is_an_error():
    with pytest.raises(EventError, match="a JSON object"):
        parse_metarank(["item"])
