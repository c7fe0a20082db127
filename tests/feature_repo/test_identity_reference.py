"""The reference says of small histories what the rules of sessions and users say in words."""

from hypothesis import given, settings
from msgspec.structs import replace

from feature_repo.events.contract import (
    InteractionEvent,
    ItemEvent,
    Merge,
    UserEvent,
    merge_of,
)
from feature_repo.events.contract.identity import merged_into
from feature_repo.home import DAY
from tests.feature_repo import histories, identity_reference
from tests.feature_repo.histories import START
from tests.feature_repo.identity_reference import attributions, identity_histories
from tests.scale import examples


def click(number, item="a", **named):
    at = {"event_id": f"c{number}", "event_time": START + number}
    return InteractionEvent(**at, item_id=item, type="click", **named)


def change(number, op, user, **named):
    at = {"event_id": f"c{number}", "event_time": START + number}
    return UserEvent(**at, op=op, user_id=user, **named)


def test_a_link_makes_what_the_session_did_part_of_the_user_from_then_on():
    events = [click(1, session_id="s"), click(2, session_id="s", user_id="u")]

    assert attributions(events) == {"c1": [("u", START + 2)], "c2": [("u", START + 2)]}
    assert identity_reference.user_counts(events, "u", START + 2) is None
    assert identity_reference.user_counts(events, "u", START + 3)["clicks_all"] == 2
    assert identity_reference.session_counts(events, "s", START + 3)["clicks_all"] == 2
    assert identity_reference.user_first_seen(events, "u", START + 3) == START + 1


def test_the_next_user_of_a_shared_device_gets_only_what_came_after():
    events = [
        click(1, session_id="s"),
        click(2, session_id="s", user_id="u"),
        click(3, session_id="s"),
        change(4, "unlink", "u", session_id="s"),
        click(5, session_id="s"),
        click(6, session_id="s", user_id="v"),
    ]

    of = {key: [user for user, _ in pairs] for key, pairs in attributions(events).items()}

    assert of == {"c1": ["u"], "c2": ["u"], "c3": ["u"], "c5": ["v"], "c6": ["v"]}
    assert identity_reference.session_owner(events, "s", START + 4) == ("u", False, START + 2)
    assert identity_reference.session_owner(events, "s", START + 5) == (None, True, START + 2)
    assert identity_reference.session_owner(events, "s", START + 7) == ("v", True, START + 2)


def test_a_merged_account_keeps_its_history_and_gives_it_on():
    events = [
        click(1, user_id="u"),
        change(2, "merge", "v", from_user_id="u"),
        change(3, "merge", "w", from_user_id="v"),
        change(4, "merge", "u", from_user_id="w"),
        change(5, "merge", "w", from_user_id="u"),
    ]

    assert attributions(events) == {
        "c1": [("u", START + 1), ("v", START + 2), ("w", START + 3)],
    }


def test_a_correction_belongs_to_whom_its_event_belongs():
    events = [
        click(1, session_id="s"),
        click(2, "b", session_id="s", user_id="v", corrects="c1"),
        click(3, session_id="s", user_id="u"),
        click(4, "a", corrects="c1"),
    ]

    assert attributions(events) == {f"c{n}": [("u", START + 3)] for n in (1, 2, 3)}
    assert identity_reference.user_counts(events, "u", START + 9)["clicks_all"] == 1


@settings(max_examples=examples(60), deadline=None)
@given(identity_histories())
def test_the_merges_that_count_are_those_of_the_reference(events):
    merges = [merge for merge in map(merge_of, events) if merge]

    counted = {user: (m.seen_at, m.user_id) for user, m in merged_into(merges).items()}

    assert counted == identity_reference.merged_into(events)
    assert all(isinstance(merge, Merge) for merge in merges)


@settings(max_examples=examples(30), deadline=None)
@given(identity_histories())
def test_named_events_count_as_in_the_reference_without_sessions(events):
    events = [as_named(event) for event in events if getattr(event, "op", "upsert") == "upsert"]
    changes = histories.deltas(events)["user_engagement"]
    measures = ("impressions", "views", "clicks", "carts", "orders", "revenue", "returns")

    for user in identity_reference.USERS:
        instant = START + 9 * DAY
        expected = histories.counts(changes.get(user, []), measures, instant)
        counted = identity_reference.user_counts(events, user, instant)
        assert counted == (expected and {n: expected[n] for n in expected if n != "part"})


def as_named(event):
    """Return the event without a session."""
    return event if isinstance(event, ItemEvent) else replace(event, session_id=None)
