"""Erased users disappear from events logged before; nothing else changes."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import (
    InteractionEvent,
    RankingEvent,
    ServedEvent,
    ShownItem,
    UserEvent,
)
from feature_repo.events.log import EventLog
from feature_repo.events.log.erasure import pending_erasure
from feature_repo.home import Home, LogError
from tests.feature_repo.events.conftest import NOON, ManualClock
from tests.feature_repo.events.event_samples import compacted
from tests.feature_repo.identity_reference import attributions
from tests.scale import examples

USERS = ("anna", "bert", None)
ITEMS = (ShownItem("i1", 0.5, 1.0), ShownItem("i2"))


def event_of(number, kind, user):
    about = {"event_id": f"e{number}", "event_time": NOON, "session_id": user and f"s-{user}"}
    match kind:
        case "ranking":
            return RankingEvent(**about, request_id=f"r{number}", items=ITEMS, user_id=user)
        case "click":
            return InteractionEvent(**about, item_id="i1", type="click", user_id=user)
        case "served":
            served = {"items": ITEMS, "layout": ("a",), "vectors": "AAAA", "timestamp": 1}
            return ServedEvent(**about, request_id=f"r{number}", user_id=user, **served)
    op, name = ("erase", {}) if kind == "erase" else ("upsert", {"name": f"of {user}"})
    return UserEvent(
        event_id=about["event_id"], event_time=NOON, user_id=user or "carl", op=op, fields=name
    )


steps = st.tuples(
    st.sampled_from(["ranking", "click", "served", "user", "erase", "compact"]),
    st.sampled_from(USERS),
)


def texts(event):
    return msgspec.json.encode(event).decode()


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(steps, max_size=20))
def test_erasure_anonymizes_earlier_events_only(tmp_path_factory, history):
    log = EventLog(Home(tmp_path_factory.mktemp("log") / "home"), ManualClock())
    writer, appended = log.writer(), []
    for number, (kind, user) in enumerate(history):
        if kind == "compact":
            log.seal()
            log.compact()
        else:
            appended += writer.append([event_of(number, kind, user)])
    live = {event.event_id: event for event in log.unsealed()}
    log.seal()
    log.compact()
    stored = {event.event_id: event for event in compacted(log)}

    assert live.items() <= stored.items()
    assert stored.keys() == {event.event_id for event in appended}
    last = {
        event.user_id: event.seen_at
        for event in appended
        if isinstance(event, UserEvent) and event.op == "erase"
    }
    for event in appended:
        is_erased = event.user_id is not None and event.seen_at <= last.get(event.user_id, -1)
        if not is_erased or getattr(event, "op", "") == "erase":
            assert stored[event.event_id] == event
            continue
        assert event.user_id not in texts(stored[event.event_id])
        assert getattr(stored[event.event_id], "items", ()) == getattr(event, "items", ())
        assert getattr(stored[event.event_id], "vectors", None) is None


@pytest.mark.parametrize("order", ["before", "after"])
def test_lookup_works_after_a_file_is_rewritten(home, order):
    log = EventLog(home, ManualClock())
    writer = log.writer()
    first, second = event_of(1, "ranking", "anna"), event_of(2, "ranking", "bert")
    writer.append([first, second] if order == "before" else [second, first])
    log.seal()
    log.compact()
    writer.append([event_of(3, "erase", "anna")])
    log.seal()
    log.compact()

    assert log.ranking("r1").user_id is None
    assert log.ranking("r2").user_id == "bert"


@st.composite
def sessions_and_an_erasure(draw):
    """Draw events of two sessions and two users, and one erasure of `anna` among them."""
    events = []
    for number in range(draw(st.integers(1, 14))):
        session, user = draw(st.sampled_from(["s", "d"])), draw(st.sampled_from(USERS))
        about = {"event_id": f"e{number:02d}", "event_time": NOON - draw(st.integers(0, 9))}
        kind = draw(st.sampled_from(["ranking", "click", "click", "served", "link", "unlink"]))
        if kind in ("link", "unlink"):
            named = {"user_id": user or "anna", "session_id": session}
            events.append(UserEvent(**about, **named, op=kind))
        else:
            event = event_of(number, kind, user)
            events.append(msgspec.structs.replace(event, **about, session_id=session))
    erasure = UserEvent(event_id="erase", event_time=NOON, user_id="anna", op="erase")
    events.insert(draw(st.integers(0, len(events))), erasure)
    moves = st.sampled_from(["compact", None, None])
    return [step for event in events for step in (event, draw(moves)) if step]


def owned_by_anna(events, erased_at):
    """Return ids of the events without a name that belonged to the user by a link."""
    by_then = [event for event in events if event.seen_at <= erased_at]
    links = [event for event in by_then if not isinstance(event, ServedEvent)]
    return {
        event.event_id
        for event in by_then
        if not isinstance(event, UserEvent)
        for plain in [as_click(event)]
        for pairs in [attributions([*(e for e in links if e is not event), plain])]
        if event.user_id is None and [user for user, _ in pairs[event.event_id]] == ["anna"]
    }


def as_click(event):
    times = {name: getattr(event, name) for name in ("event_id", "event_time", "received_at")}
    return InteractionEvent(
        **times, item_id="i", type="click", user_id=event.user_id, session_id=event.session_id
    )


@settings(max_examples=examples(60), deadline=None)
@given(sessions_and_an_erasure())
def test_erasure_anonymizes_what_sessions_did_for_the_user(tmp_path_factory, history):
    log = EventLog(Home(tmp_path_factory.mktemp("log") / "home"), ManualClock())
    writer, appended = log.writer(), []
    for step in history:
        if step == "compact":
            log.seal()
            log.compact()
        else:
            appended += writer.append([step])
    (erased_at,) = [event.seen_at for event in appended if event.event_id == "erase"]
    live = {event.event_id: event for event in log.unsealed()}
    log.seal()
    log.compact()
    stored = {event.event_id: event for event in compacted(log)}

    assert live.items() <= stored.items()
    owned = owned_by_anna(appended, erased_at)
    for event in appended:
        named = event.user_id == "anna" and event.seen_at <= erased_at
        if event.event_id != "erase" and (named or event.event_id in owned):
            assert (stored[event.event_id].user_id, stored[event.event_id].session_id) in (
                (None, None),
                ("erased", None),
            )
        else:
            assert stored[event.event_id] == event


@pytest.mark.parametrize("sealed", [False, True])
def test_lookups_omit_what_an_erased_user_did_without_a_name(home, sealed):
    log = EventLog(home, ManualClock())
    about = {"event_time": NOON, "item_id": "i1", "type": "click", "session_id": "s"}
    writer = log.writer()
    writer.append([InteractionEvent(event_id="before", **about)])
    writer.append([InteractionEvent(event_id="linked", user_id="anna", **about)])
    if sealed:
        log.seal()
        log.compact()
    writer.append([event_of(3, "erase", "anna")])
    writer.append([InteractionEvent(event_id="after", **about)])

    assert [event.event_id for event in log.session_events("s")] == ["after"]
    assert log.links(["s"]) == []


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff"])
def test_a_damaged_note_of_erasures_is_an_error(tmp_path, content):
    (tmp_path / "erasing.json").write_bytes(content)

    with pytest.raises(LogError, match="expected the users whose erasure is pending"):
        pending_erasure(tmp_path)
