"""Live state is a function of the set of events: no order or repetition changes it."""

from collections import Counter
from contextlib import closing

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from feature_repo.events.log import EventLog
from feature_repo.home import DAY, HOUR, MINUTE, Home
from feature_repo.online.live import LiveWriter
from tests.feature_repo.online.histories import (
    ITEMS,
    NOW,
    QUERIES,
    USERS,
    assert_reads,
    click,
    facts,
    ranking,
    upsert,
)
from tests.scale import examples

ids = st.integers(0, 99).map("e{}".format)
instants = st.integers(0, 40 * 8).map(lambda n: NOW - n * 3 * HOUR - MINUTE)
delays = st.sampled_from([0, 0, 0, 30])
requests = st.sampled_from(["r1", "r2"])


@st.composite
def rankings(draw):
    at, query = draw(instants), draw(st.sampled_from([None, "", *QUERIES]))
    return ranking(
        draw(ids),
        at,
        draw(st.permutations(ITEMS))[: draw(st.integers(not query, 3))],
        received_at=min(at + draw(delays) * DAY, NOW - 1),
        request_id=draw(requests),
        user_id=draw(st.sampled_from([None, *USERS])),
        query=query,
    )


@st.composite
def interactions(draw):
    at = draw(instants)
    return click(
        draw(ids),
        at,
        draw(st.sampled_from(ITEMS)),
        received_at=min(at + draw(delays) * DAY, NOW - 1),
        type=draw(st.sampled_from(["click", "click", "purchase", "view"])),
        request_id=draw(st.none() | requests),
        user_id=draw(st.sampled_from([None, *USERS])),
    )


histories = st.lists(rankings() | interactions(), max_size=12, unique_by=lambda e: e.event_id)
with_real_redis = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def with_a_log_of(room, events):
    """Return a writer of the room's live state with a separate log of the events."""
    root = room.home.root / "logs"
    root.mkdir(exist_ok=True)
    log = EventLog(Home(root / str(len(list(root.iterdir())))), room.clock)
    with closing(log.writer()) as segment:
        segment.append(events)
    return LiveWriter(room.home, room.shop, room.client, log, room.clock, room.reader)


@with_real_redis
@given(histories, st.data())
def test_any_order_with_repetitions_reads_the_same(room, events, data):
    room.client.flushdb()
    again = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []

    order = data.draw(st.permutations([*events, *again]))
    outcomes = [room.writer.apply([event])[0] for event in order]

    assert Counter(outcomes) == Counter(applied=len(events), duplicate=len(again))
    assert_reads(room, events)


@with_real_redis
@given(histories, st.lists(st.tuples(st.integers(0, 11), ids), max_size=4), st.data())
def test_correction_counts_in_the_bucket_of_the_corrected_event(room, events, corrected, data):
    room.client.flushdb()
    applied_so_far = {event.event_id for event in events}
    for n, event_id in corrected:
        if event_id not in applied_so_far and n < len(events):
            applied_so_far.add(event_id)
            at = data.draw(instants)
            events = [*events, click(event_id, at, corrects=events[n].event_id, user_id="u1")]
    writer = with_a_log_of(room, events)

    writer.apply(data.draw(st.permutations(events)))

    assert_reads(room, events)


@with_real_redis
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 5),
            st.sampled_from(["a", "b"]),
            st.sampled_from([None, 1, 2]),
        ),
        max_size=6,
    ),
    st.data(),
)
def test_newest_change_of_each_item_field_by_event_time_wins(room, changes, data):
    room.client.flushdb()
    events = [
        upsert(
            f"{brand}{n}",
            NOW - DAY + hour * HOUR,
            received_at=NOW - DAY + (hour + delay) * HOUR,
            brand=brand,
            price=price,
        )
        for n, (hour, delay, brand, price) in enumerate(changes)
    ]

    room.writer.apply(data.draw(st.permutations(events)))

    states = facts(room).items
    newest = max(events, key=lambda e: (e.event_time, e.seen_at, e.event_id), default=None)
    brand, price = (newest.fields[field] if newest else None for field in ("brand", "price"))
    assert states["item_attributes__brand"] == [brand, None, None]
    assert_array_equal(states["item_attributes__price"], np.array([price, None, None], float))
    assert states["item_attributes__present"] == [newest is not None, False, False]
