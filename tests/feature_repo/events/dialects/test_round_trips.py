"""An event that a dialect writes is parsed as the same event."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import InteractionEvent, ItemEvent, RankingEvent, UserEvent
from feature_repo.events.dialects.registry import dialect_of, dialects
from tests.feature_repo.events.dialects.canonical_events import (
    IDS,
    interactions,
    items,
    optional,
    rankings,
    slates,
    users,
)
from tests.scale import examples

MARKETS = st.just("default") | IDS
ANY_EVENT = (
    items()
    | users()
    | interactions(quantity=optional(st.integers(1, 9).map(float)))
    | rankings(items=slates(scores=True), market=MARKETS)
)


def read_again(name, event):
    """Return the events of the objects that a dialect writes, sent as JSON."""
    written = json.loads(json.dumps(dialects()[name].write(event)))
    assert {dialect_of(raw) for raw in written} <= {name}
    return [read for raw in written for read in dialects()[name].parse(raw)]


@settings(max_examples=examples(100), deadline=None)
@given(ANY_EVENT)
def test_the_canonical_dialect_says_every_event(event):
    assert read_again("canonical", event) == [event]


@settings(max_examples=examples(200), deadline=None)
@given(
    items()
    | users()
    | interactions()
    | rankings(
        items=slates(scores=True),
        market=MARKETS,
        utc_offset_minutes=optional(st.integers(-12 * 60, 14 * 60)),
    )
)
def test_metarank_says_items_users_slates_and_interactions(event):
    if isinstance(event, RankingEvent):  # Metarank has one id for the event and the request.
        event = msgspec.structs.replace(event, event_id=event.request_id)
        if len({item.score for item in event.items}) == 1:  # Equal scores say nothing.
            unscored = tuple(msgspec.structs.replace(item, score=None) for item in event.items)
            event = msgspec.structs.replace(event, items=unscored)

    assert read_again("metarank", event) == [event]


def test_metarank_has_no_words_for_deletes_links_and_corrections():
    about = {"event_id": "e", "event_time": 10**15}
    events = [
        ItemEvent(**about, item_id="i", op="delete"),
        UserEvent(**about, user_id="u", op="link", session_id="s"),
        UserEvent(**about, user_id="u", op="erase"),
        InteractionEvent(**about, item_id="i", type="purchase", corrects="e0"),
    ]

    assert [read_again("metarank", event) for event in events] == [[], [], [], []]
