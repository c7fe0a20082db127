"""Events for tests: short constructors, and a strategy of random events."""

import pyarrow.parquet as pq
from hypothesis import strategies as st

from feature_repo.events.contract import (
    EVENT_KINDS,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    ShownItem,
    UserEvent,
)
from feature_repo.events.contract.events import ServedRankingEvent
from feature_repo.events.log.arrow import from_table
from feature_repo.home import MINUTE
from tests.feature_repo.events.conftest import NOON


def click(event_id="c1", at=NOON, **changes):
    return InteractionEvent(event_id=event_id, event_time=at, item_id="i1", type="click", **changes)


def item(event_id="i1", at=NOON, **changes):
    return ItemEvent(event_id=event_id, event_time=at, item_id="i1", **changes)


def ranking(event_id="r1", at=NOON, **changes):
    named = {"request_id": event_id, "items": (ShownItem("i1"), ShownItem("i2", 0.5)), **changes}
    return RankingEvent(event_id=event_id, event_time=at, **named)


def as_served(event_id="r1", at=NOON, **changes):
    named = {"request_id": event_id, **changes}
    return ServedRankingEvent(event_id=event_id, event_time=at, **named)


def served(event_id="s1", at=NOON, **changes):
    named = {"request_id": "r1", "items": (ShownItem("i2"), ShownItem("i1")), **changes}
    return ServedEvent(event_id=event_id, event_time=at, **named)


def compacted(log):
    """Return all events of the compacted files, in the order of files and rows."""
    return [
        event
        for kind in EVENT_KINDS
        for path in log.relation_paths(kind)
        for event in from_table(kind, pq.ParquetFile(path).read())
    ]


def everything(log):
    """Return all events of the log, by id."""
    return {event.event_id: event for event in [*compacted(log), *log.unsealed()]}


_ids = st.sampled_from([f"e{n}" for n in range(12)])
_times = st.integers(NOON - 10**12, NOON + 4 * MINUTE)
_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_fields = st.dictionaries(
    _texts, st.none() | st.booleans() | st.floats(-1e6, 1e6) | _texts | st.lists(_texts, max_size=3)
)

events = st.one_of(
    st.builds(item, _ids, _times, fields=_fields, op=st.sampled_from(["upsert", "delete"])),
    st.builds(UserEvent, event_id=_ids, event_time=_times, user_id=st.just("u"), fields=_fields),
    st.builds(
        UserEvent,
        event_id=_ids,
        event_time=_times,
        user_id=st.just("u"),
        op=st.sampled_from(["link", "unlink"]),
        session_id=st.just("s"),
    ),
    st.builds(
        UserEvent,
        event_id=_ids,
        event_time=_times,
        user_id=st.just("u"),
        op=st.just("merge"),
        from_user_id=st.just("v"),
    ),
    st.builds(
        ranking,
        _ids,
        _times,
        query=st.none() | _texts,
        user_id=st.none() | st.just("u"),
        temperature=st.none() | st.floats(0, 9),
        seed=st.none() | st.integers(0, 2**63 - 1),
    ),
    st.builds(ranking, _ids, _times, query=st.just("green shoes"), items=st.just(())),
    st.builds(click, _ids, _times, value=st.none() | st.floats(0, 9), corrects=st.none() | _ids),
    st.builds(
        served,
        _ids,
        _times,
        degraded=st.just(("redis",)),
        layout=st.just(("a", "b")),
        sources=st.sampled_from([(), ({"past": (1, 0.1)}, {})]),
        seed=st.none() | st.just(5),
        considered=st.sampled_from([(), ("p8", "p9")]),
        overrides=st.dictionaries(_texts, _fields, max_size=2),
        vectors=st.none() | st.just("AAAA"),
    ),
)
