"""Live values equal loaded values, and live events after a load count once."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from feature_repo.events.contract import ItemEvent
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, HOUR
from feature_repo.online.redis import LiveKeys
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from tests.feature_repo.online.cached_reader import CachedReader, disconnect, uncached
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.online.histories import (
    ITEMS,
    NOW,
    QUERIES,
    USERS,
    assert_reads,
    click,
    comparable,
    facts,
    ranking,
    upsert,
)

EARLIER = [
    upsert("a1", NOW - 40 * DAY, "i1", category="shoes", price=10, title="Boot", brand="Acme"),
    upsert("a2", NOW - 40 * DAY, "i2", category="hats", added_at="2024-08-01"),
    ranking("a3", NOW - 35 * DAY, user_id="u1", query="shoes", request_id="r1"),
    click("a4", NOW - 35 * DAY + HOUR, request_id="r1"),
    ranking("a5", NOW - 6 * DAY, ["i2", "i1"], user_id="u2", query="Red Hats", request_id="r2"),
    click("a6", NOW - 6 * DAY + HOUR, "i2", request_id="r2", type="purchase"),
    ranking("b4", NOW - 6 * DAY, [], user_id="u1", query="shoes", request_id="r5"),
    upsert("a7", NOW - 5 * DAY, "i1", price=None, category="boots"),
    ranking("a8", NOW - 2 * HOUR, ["i3", "i1"], user_id="u1", request_id="r3"),
    click("a9", NOW - HOUR, "i1", user_id="u2", received_at=NOW - HOUR + 1),
    click("b1", NOW - 9 * DAY, "i3", user_id="u1", received_at=NOW - HOUR),
    click("b2", NOW - HOUR, "i2", user_id="u2", corrects="a6"),
    ItemEvent(event_id="b3", event_time=NOW - 30, received_at=NOW - 30, item_id="i2", op="delete"),
]
LATER = [
    click("c1", NOW + 60, "i1", request_id="r3"),
    ranking("c2", NOW + 61, ["i1", "i3"], user_id="u1", query="shoes", request_id="r3"),
    ranking("c3", NOW + 62, ["i1"], user_id="u1", query="shoes", request_id="r4"),
    ranking("c7", NOW + 62, [], user_id="u1", query="shoes", request_id="r6"),
    click("c4", NOW + 63, "i1", request_id="r4"),
    click("c5", NOW + 64, "i2", user_id="u2", corrects="a6"),
    upsert("c6", NOW + 65, "i2", price=3),
]
BATCH_VIEWS = ("user_purchases", "query_clicked_items", "item_percentiles", "market_baseline")


@pytest.fixture
def room(home, redis_address):
    repository.render(home, redis_address)
    room = Room(home, Shop.load(home.shop_toml), redis_address, SetClock())
    yield room
    room.client.close()


def load(room):
    """Do the stages of a refresh up to pruning, and return the part that is loaded."""
    sealed_at = room.log.seal()
    room.log.compact()
    transform(room.home, room.clock.now())
    repository.apply(room.home)
    repository.materialize(room.home, room.clock.now())
    return room.log.seals().part_of(sealed_at)


def live_facts(room, t):
    """Read all views that are loaded more often than once a day."""
    requests = zip(USERS, QUERIES, strict=True)
    contexts = [comparable(facts(room, user, query, t=t)) for user, query in requests]
    return [
        replace(
            f,
            user=_live(f.user),
            query_row=_live(f.query_row),
            market_row={},
            items=_live(f.items),
        )
        for f in contexts
    ]


def _live(values):
    return {k: v for k, v in values.items() if not k.startswith(BATCH_VIEWS)}


def test_live_loaded_pruned_and_flushed_all_read_the_same(room):
    room.take(*EARLIER)
    live = live_facts(room, NOW + 9)
    assert_reads(room, EARLIER)

    part = load(room)
    loaded = live_facts(room, NOW + 9)
    room.writer.prune(part)
    pruned = live_facts(room, NOW + 9)
    room.writer.flush()
    flushed = live_facts(room, NOW + 9)

    assert loaded == live
    assert pruned == live
    assert flushed == live
    prefix = LiveKeys.of(room.home).prefix
    names = {key.decode().removeprefix(prefix) for key in room.client.scan_iter(f"{prefix}*")}
    others = {name for name in names if not name.startswith("tile:")}
    assert others == {"changed_items", "item_changes"}


def test_cached_items_follow_each_load_prune_and_flush(room):
    with asyncio.Runner() as runner:
        cached = CachedReader(room)

        def assert_equal():
            for user, query in zip(USERS, QUERIES, strict=True):
                context = runner.run(cached.read(ITEMS, NOW + 9, user, query))
                assert context == uncached(room, ITEMS, NOW + 9, user, query)

        assert_equal()
        room.take(*EARLIER)
        assert_equal()
        part = load(room)
        assert_equal()
        room.writer.prune(part)
        assert_equal()
        room.writer.flush()
        assert_equal()
        repository.clear_online(room.home)
        assert_equal()
        runner.run(disconnect(cached))


def test_types_equal_those_of_the_offline_join(room):
    room.take(*EARLIER)

    for items in (facts(room).items, (load(room), room.writer.flush(), facts(room))[2].items):
        first = {name: values[0] for name, values in items.items()}
        assert first["item_attributes__title"] == "Boot"
        assert np.isnan(first["item_attributes__price"])
        assert items["item_attributes__price"].dtype == np.float64
        assert first["item_attributes__is_deleted"] is False
        assert isinstance(items["item_attributes__added_at"][1], int)
        assert items["item_engagement__clicks_7d"].dtype == np.float64
        assert items["item_attributes__present"] == [True, True, False]


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_two_parallel_loads_that_are_days_late_change_nothing(room, days):
    room.take(*EARLIER)
    sealed_at = room.log.seal()
    room.log.compact()
    transform(room.home, room.clock.now())
    repository.apply(room.home)
    t = room.clock.instant = NOW + days * DAY + HOUR
    room.take(*LATER)
    live = live_facts(room, t)

    loads = [threading.Thread(target=repository.materialize, args=(room.home, t)) for _ in range(2)]
    for load in loads:
        load.start()
    for load in loads:
        load.join()
    loaded = live_facts(room, t)
    room.writer.prune(room.log.seals().part_of(sealed_at))

    assert loaded == live
    assert live_facts(room, t) == live


@pytest.mark.parametrize("prune_at_once", [True, False])
def test_live_on_top_of_a_load_counts_once(room, prune_at_once):
    room.take(*EARLIER)
    part = load(room)
    if prune_at_once:
        room.writer.prune(part)
    room.clock.instant = NOW + HOUR

    outcomes = room.take(*LATER, structs.replace(EARLIER[3], received_at=0))

    assert outcomes == ["applied"] * len(LATER) + ["duplicate"]
    assert_reads(room, EARLIER + LATER)
    items = facts(room, t=NOW + HOUR).items
    np.testing.assert_array_equal(items["item_attributes__price"], [np.nan, 3.0, np.nan])
    assert items["item_attributes__is_deleted"] == [False, False, None]


def test_a_second_load_replaces_live_values(room):
    room.take(*EARLIER)
    room.writer.prune(load(room))
    room.clock.instant = NOW + HOUR
    room.take(*LATER)
    live = live_facts(room, NOW + HOUR)

    part = load(room)
    loaded = live_facts(room, NOW + HOUR)
    room.writer.prune(part)

    assert loaded == live
    assert live_facts(room, NOW + HOUR) == live
    assert_reads(room, EARLIER + LATER)


def test_an_event_that_is_compacted_before_it_is_applied_counts_once(room):
    room.take(*EARLIER)
    room.writer.prune(load(room))
    room.clock.instant = NOW + HOUR
    with closing(room.log.writer()) as segment:
        logged = segment.append(LATER)
    room.log.seal()
    room.log.compact()

    outcomes = room.writer.apply(logged) + room.writer.apply(logged)

    assert outcomes == ["applied"] * len(LATER) + ["duplicate"] * len(LATER)
    assert_reads(room, EARLIER + LATER)
    part = load(room)
    assert_reads(room, EARLIER + LATER)
    room.writer.prune(part)
    assert_reads(room, EARLIER + LATER)


def test_a_replay_after_a_load_changes_nothing(room):
    room.take(*EARLIER)
    load(room)
    room.clock.instant = NOW + HOUR
    room.take(*LATER)
    before = live_facts(room, NOW + HOUR)

    room.writer.flush()
    room.writer.replay()

    assert live_facts(room, NOW + HOUR) == before


def test_a_damaged_row_counts_as_missing_and_no_other_row_does(room):
    room.take(*EARLIER)
    room.writer.prune(load(room))
    keys = [
        key
        for key in room.client.scan_iter("*")
        if b"i1" in key and room.home.project.encode() in key
    ]
    for key in keys:
        room.client.delete(key)
        room.client.set(key, b"\xff\xff\xff")

    items = facts(room).items

    assert keys
    assert items["item_attributes__present"] == [False, True, False]
    assert items["item_engagement__present"].tolist() == [False, True, True]


def test_an_event_that_was_logged_but_not_applied_is_loaded(room):
    with closing(room.log.writer()) as segment:
        segment.append(EARLIER)

    room.writer.prune(load(room))

    assert_reads(room, EARLIER)
    assert facts(room, items=ITEMS).items["item_engagement__present"].all()
