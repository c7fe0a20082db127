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
from feature_repo.home import Home
from tests.feature_repo.events.conftest import NOON, ManualClock
from tests.feature_repo.events.event_samples import compacted
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
