"""Canonical objects become records, or an error names the field."""

import json

import pytest

from feature_repo.events.contract import (
    EVENT_KINDS,
    LONGEST_SLATE,
    SHOP_KINDS,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
    parse_canonical,
)
from feature_repo.events.contract.events import ServedRankingEvent
from feature_repo.events.contract.values import LARGEST_FIELDS
from feature_repo.events.dialects import parse_events, parse_feedback
from feature_repo.home import CHECKOUT, EventError, parse_instant
from tests.feature_repo.hostile_inputs import GOOD_TIME, interaction, item, ranking

AT = parse_instant(GOOD_TIME)


def user(**changes):
    return {"kind": "user", "event_id": "u1", "event_time": GOOD_TIME, "user_id": "u", **changes}


def refusal(raw):
    with pytest.raises(EventError) as refused:
        parse_events(raw)
    return refused.value


def test_item_event_is_parsed():
    fields = {"title": "Café", "price": 7, "sale": True, "tags": ["a", 7, 1.5], "brand": None}

    event = parse_canonical(item(fields=fields))

    assert event == ItemEvent(
        event_id="i1",
        event_time=AT,
        item_id="i1",
        fields={
            "title": "Café",
            "price": 7.0,
            "sale": True,
            "tags": ["a", "7", "1.5"],
            "brand": None,
        },
    )
    assert isinstance(event.fields["price"], float)


def test_user_event_is_parsed():
    raw = {"kind": "user", "event_id": 1, "event_time": GOOD_TIME, "user_id": 2, "op": "erase"}

    assert parse_canonical(raw) == UserEvent(event_id="1", event_time=AT, user_id="2", op="erase")


@pytest.mark.parametrize("op", ["link", "unlink"])
def test_a_session_is_linked_and_unlinked(op):
    raw = user(op=op, session_id=7)

    assert parse_canonical(raw) == UserEvent(
        event_id="u1", event_time=AT, user_id="u", op=op, session_id="7"
    )


def test_two_users_are_merged():
    assert parse_canonical(user(op="merge", from_user_id="v")) == UserEvent(
        event_id="u1", event_time=AT, user_id="u", op="merge", from_user_id="v"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"op": "link"}, "session_id: expected a value, because op is link"),
        ({"op": "unlink"}, "session_id: expected a value, because op is unlink"),
        ({"op": "merge"}, "from_user_id: expected a value, because op is merge"),
        ({"session_id": "s"}, "session_id: expected no value, except with op link or unlink"),
        (
            {"op": "erase", "from_user_id": "v"},
            "from_user_id: expected no value, except with op me",
        ),
        ({"op": "merge", "from_user_id": "u"}, "from_user_id: expected another user than user_id"),
        (
            {"op": "link", "session_id": "s", "fields": {"age": 7}},
            "fields: expected no value, except with op upsert or erase",
        ),
    ],
)
def test_an_operation_without_its_fields_or_with_those_of_another_is_refused(changes, sentence):
    assert sentence in str(refusal(user(**changes)))


def test_ranking_is_parsed_with_plain_ids_and_with_scores():
    shown = [7, "i2", {"item_id": "i3", "score": 1, "propensity": 0.25}, {"item_id": "i4"}]

    drawn = {"temperature": 1, "seed": 2**63 - 1}
    event = parse_canonical(
        ranking(items=shown, query="red shoes", market="uk", user_id=None, **drawn)
    )

    assert event == RankingEvent(
        event_id="r1",
        event_time=AT,
        request_id="r1",
        query="red shoes",
        market="uk",
        **drawn,
        items=(ShownItem("7"), ShownItem("i2"), ShownItem("i3", 1.0, 0.25), ShownItem("i4")),
        utc_offset_minutes=0,
    )


def test_ranking_without_items_is_parsed_as_served_ranking():
    named = {k: v for k, v in ranking().items() if k != "items"}

    assert type(parse_canonical(named)) is type(parse_canonical(named | {"items": None}))
    assert type(parse_canonical(named)) is ServedRankingEvent


def test_ranking_of_an_empty_list_is_parsed():
    event = parse_canonical(ranking(items=[], query="green shoes"))

    assert (type(event), event.items) == (RankingEvent, ())


def test_interaction_is_parsed():
    raw = interaction(
        type="purchase", value=12.5, request_id=7, received_at=GOOD_TIME, corrects="e0"
    )

    assert parse_canonical(raw) == InteractionEvent(
        event_id="e1",
        event_time=AT,
        received_at=AT,
        item_id="i1",
        type="purchase",
        value=12.5,
        request_id="7",
        corrects="e0",
    )


def test_interaction_cannot_correct_itself():
    with pytest.raises(EventError, match="corrects: expected the event_id of another event"):
        parse_canonical(interaction(event_id="e7", corrects="e7"))


def test_examples_of_the_documentation_are_valid():
    page = (CHECKOUT / "docs" / "events.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("{")]

    events = [parse_canonical(json.loads(line)) for line in lines]

    kinds = [ItemEvent, RankingEvent, *[InteractionEvent] * 3, *[UserEvent] * 3]
    assert [type(event) for event in events] == kinds


@pytest.mark.parametrize(
    "written",
    [
        "2021-11-15T12:00:00Z",
        "2021-11-15T14:00:00+02:00",
        "2021-11-15 12:00:00",
        1636977600,
        1636977600.0,
        1636977600000,
        1636977600000000,
        "1636977600",
        "1636977600000",
    ],
)
def test_time_is_parsed_in_every_form(written):
    assert parse_canonical(interaction(event_time=written)).event_time == AT


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({"event_time": "2021-11-15T14:00:00+02:00"}, 120),
        ({"event_time": "2021-11-15T12:00:00"}, None),
        ({"event_time": 1636977600}, None),
        ({"event_time": "2021-11-15T14:00:00+02:00", "utc_offset_minutes": -60}, -60),
    ],
)
def test_ranking_stores_the_offset_of_local_time(changes, minutes):
    assert parse_canonical(ranking(**changes)).utc_offset_minutes == minutes


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (interaction(item_id=True), "item_id"),
        (interaction(item_id=...), "item_id"),
        (interaction(itemid="i1"), "itemid"),
        (interaction(kind="served"), "kind"),
        (ranking(items=["a", 1.5]), "items[1]"),
        (ranking(items=[{"item_id": "a", "score": "x"}]), "items[0].score"),
        (ranking(items=[{"score": 1}]), "items[0].item_id"),
        (ranking(items=["a", "b", "a"]), "items"),
        (item(fields={"size": {}}), "fields.size"),
        ([], "event"),
        ("text", "event"),
        ({}, "kind"),
    ],
)
def test_error_names_the_field(raw, field):
    assert refusal(raw).field == field


def test_error_is_short_even_if_the_value_is_large():
    sentence = str(refusal(interaction(value="x" * 100_000)))

    assert sentence.startswith("value: expected a number, found 'xxx")
    assert len(sentence) < 200


def test_each_field_of_a_kind_has_a_reader():
    for kind in SHOP_KINDS:
        fields = {*EVENT_KINDS[kind].record.__struct_fields__} - {"decision"}
        assert set(EVENT_KINDS[kind].readers) == {"kind", *fields}


def test_no_shop_can_send_a_decision():
    sent = interaction(decision={"arm_key": "a/b/c", "propensity": 1, "reward_until": 0})

    assert refusal(sent).field == "decision"


@pytest.mark.parametrize("read", [parse_canonical, parse_events, parse_feedback])
def test_a_slate_has_at_most_a_thousand_items(read):
    items = [f"i{n}" for n in range(LONGEST_SLATE + 1)]
    sent = {
        "kind": "ranking",
        "event_id": "r1",
        "event_time": 1_600_000_000,
        "request_id": "q1",
        "items": items,
    }
    if read is parse_feedback:
        named = [{"id": item} for item in items]
        sent = {"event": "ranking", "id": "r1", "timestamp": 1_600_000_000, "items": named}

    with pytest.raises(EventError, match="at most 1000 items, found '1001 items'"):
        read(sent)
    read(sent | {"items": sent["items"][1:]})


@pytest.mark.parametrize("value", ["x" * LARGEST_FIELDS, ["x" * 10] * (LARGEST_FIELDS // 10)])
def test_own_fields_have_a_limit_together_and_the_error_names_the_largest(value):
    sent = {
        "kind": "item",
        "event_id": "e1",
        "event_time": 1_600_000_000,
        "item_id": "i1",
        "fields": {"title": "short", "notes": value},
    }

    with pytest.raises(EventError, match=r"of at most 65536 characters together.*in 'notes'"):
        parse_canonical(sent)
