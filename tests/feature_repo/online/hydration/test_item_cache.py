"""A read through the item cache equals an uncached read at the same instant."""

import asyncio
from contextlib import closing, suppress

import pytest
import redis

from feature_repo.home import DAY, HOUR, Home, RedisError, Settings
from feature_repo.online.hydration.item_cache import OVERHEAD_BYTES
from feature_repo.online.redis import running_redis
from tests.feature_repo.online.cached_reader import (
    CachedReader,
    ObservedReader,
    disconnect,
    is_request,
    uncached,
)
from tests.feature_repo.online.conftest import Room
from tests.feature_repo.online.histories import ITEMS, NOW, click, ranking, upsert
from tests.feature_repo.online.item_strings import loaded

UNKNOWN_ITEM = "never-seen"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


@pytest.fixture
def observed(room):
    with closing(ObservedReader(room)) as observed:
        yield observed


@pytest.fixture
def history(room):
    room.take(
        upsert("e1", NOW - HOUR, "i1", brand="Acme", price=3, category="shoes"),
        ranking("e2", NOW - 99, user_id="u1", query="shoes", request_id="r1"),
        click("e3", NOW - 98, "i2", request_id="r1"),
    )


def test_cached_item_is_not_requested_again(room, observed, history):
    first, first_requests = observed.read()
    second, second_requests = observed.read()

    assert first_requests == [list(ITEMS)]
    assert second_requests == [[]]
    assert first == second == uncached(room)
    assert first.items["item_attributes__brand"] == ["Acme", None, None]


def test_only_missing_items_are_requested(room, observed, history):
    observed.read(["i2"])

    context, requests = observed.read()

    assert requests == [["i1", "i3"]]
    assert context == uncached(room)


def test_user_query_and_market_are_read_every_time(room, observed, history):
    observed.read()
    room.take(click("e4", NOW - 9, "i3", user_id="u1"))

    context, _ = observed.read()

    assert context.user["user_recent__clicked_item_ids"] == ["i3", "i2"]
    assert context == uncached(room)


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (click("e4", NOW - 9, "i1"), "i1"),
        (click("e4", NOW - 9, "i1", corrects="e3"), "i2"),
        (ranking("e4", NOW - 9, ["i1"], request_id="r2"), "i1"),
        (upsert("e4", NOW - 9, "i1", brand="Bolt"), "i1"),
    ],
    ids=["click", "correction", "ranking", "upsert"],
)
def test_next_read_sees_an_event_of_a_cached_item(room, observed, history, event, changed):
    before, _ = observed.read()
    room.take(event)

    context, requests = observed.read()

    assert context == uncached(room) != before
    assert requests == [[], [changed]]


@pytest.mark.parametrize("item", [UNKNOWN_ITEM, "", "ü:1", "x" * 300])
def test_unknown_item_is_cached_until_its_first_event(room, observed, item):
    for expected in ([item], []):
        context, requests = observed.read([item])
        assert requests == [expected]
        assert context.items["item_attributes__present"] == [False]
    room.take(upsert("e1", NOW - 9, item, brand="Acme"))

    context, _ = observed.read([item])

    assert context.items["item_attributes__brand"] == ["Acme"]
    assert context == uncached(room, [item])


def test_next_read_sees_loaded_rows(room, observed, history):
    observed.read()
    room.client.mset(loaded(room, "i1", title="Boot", price=7.0))

    context, requests = observed.read()

    assert requests == [[], ["i1"]]
    assert context == uncached(room)
    assert context.items["item_attributes__title"] == ["Boot", None, None]
    assert context.items["item_attributes__price"] == [3, None, None]
    assert context.items["item_percentiles__category_price"] == [7, None, None]


@pytest.mark.parametrize("string", range(4))
def test_deleted_or_expired_string_is_removed_from_the_cache(room, observed, history, string):
    room.client.mset(loaded(room, "i1", title="Boot", price=7.0))
    key = room.reader.item_keys("i1")[string]
    for remove in (room.client.delete, lambda key: room.client.pexpire(key, 0)):
        value = room.client.get(key)
        before, _ = observed.read()
        remove(key)

        context, requests = observed.read()

        assert requests == [[], ["i1"]]
        assert context == uncached(room) != before
        room.client.set(key, value)


@pytest.mark.parametrize("flush", ["flushdb", "flushall"])
def test_flush_empties_the_cache(room, observed, history, flush):
    observed.read()
    getattr(room.client, flush)()

    context, requests = observed.read()

    assert requests == [[], list(ITEMS)]
    assert context == uncached(room)
    assert set(context.items["item_attributes__present"]) == {False}


def test_lost_connection_empties_the_cache(room, observed, history):
    observed.read()
    room.client.client_kill_filter(_type="normal", skipme=True)
    room.take(upsert("e4", NOW - 9, "i1", brand="Bolt"))

    with suppress(redis.ConnectionError):
        observed.read()
    context, _ = observed.read()

    assert context == uncached(room)
    assert context.items["item_attributes__brand"][0] == "Bolt"


def test_restarted_server_is_read_again(home, room):
    settings = Settings(home=Home(home.root / "own"))
    with running_redis(settings) as address, asyncio.Runner() as runner:
        room = Room(room.home, room.shop, address, room.clock)
        room.take(upsert("e1", NOW - 9, "i1", brand="Acme"))
        cached = CachedReader(room, address)
        assert runner.run(cached.read()) == uncached(room)
        room.client.shutdown()
        with running_redis(settings) as again:
            assert again.port == address.port
            room.take(upsert("e2", NOW - 8, "i1", brand="Bolt"))
            with suppress(redis.ConnectionError):
                runner.run(cached.read())

            context = runner.run(cached.read())

            assert context == uncached(room)
            assert context.items["item_attributes__brand"][0] == "Bolt"
            runner.run(disconnect(cached))


def test_slate_may_repeat_items_or_be_empty(room, observed, history):
    for items in (["i1", "i2", "i1"], [], ["i1", UNKNOWN_ITEM, "i1", UNKNOWN_ITEM]):
        for _ in range(2):
            context, _ = observed.read(items)
            assert context == uncached(room, items)
        assert observed.read(items)[1] == [[]]


def test_thousand_items_are_cached(room, observed):
    items = [f"item {n}" for n in range(1000)]
    room.writer.apply([upsert(f"e{n}", NOW - 9, items[n], price=n) for n in range(0, 1000, 3)])

    context, requests = observed.read(items)

    assert requests == [items]
    assert observed.read(items) == (context, [[]])
    assert context == uncached(room, items)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_windows_end_on_another_day_without_a_request(room, observed, history, days):
    today, _ = observed.read(t=NOW - 1)

    then, requests = observed.read(t=NOW - 1 + days * DAY)
    again, _ = observed.read(t=NOW - 1)

    assert requests == [[]]
    assert then == uncached(room, t=NOW - 1 + days * DAY)
    assert then.items != today.items
    assert again == today


def test_cache_size_is_limited_in_bytes(room):
    items = [f"i{n}" for n in range(60)]
    room.writer.apply([upsert(f"e{n}", NOW - 9, item, price=n) for n, item in enumerate(items)])
    limit = 50_000

    with closing(ObservedReader(room, max_bytes=limit)) as observed:
        for item in items:
            observed.read([item])
        cached = []
        while not observed.read([items[-1 - len(cached)]])[1][0]:
            cached.append(items[-1 - len(cached)])

    sizes = [size_of(room, item) for item in items]
    assert 1 < len(cached) < len(items)
    assert sum(sizes[-len(cached) :]) <= limit < sum(sizes[-len(cached) - 1 :])


def test_items_of_concurrent_reads_are_cached_once(room, history):
    limit = sum(size_of(room, item) for item in ITEMS)
    with closing(ObservedReader(room, max_bytes=limit)) as observed:
        assert observed.read_twice() == [uncached(room)] * 2
        assert observed.requests() == [list(ITEMS)] * 2

        assert observed.read()[1] == [[]]


@pytest.mark.parametrize("max_bytes", [0, 700 + OVERHEAD_BYTES])
def test_slate_larger_than_the_cache_is_read_correctly(room, history, max_bytes):
    with closing(ObservedReader(room, max_bytes)) as observed:
        for _ in range(3):
            assert observed.read()[0] == uncached(room)


def test_item_evicted_by_its_own_slate_is_not_requested_twice(room, history):
    with closing(
        ObservedReader(room, max_bytes=size_of(room, "i1") + size_of(room, "i2"))
    ) as observed:
        observed.read(["i1"])

        context, requests = observed.read()

    assert requests == [["i2", "i3"]]
    assert context == uncached(room)


def test_item_that_changes_during_a_read_is_requested_again(room, observed, history):
    observed.read()
    changes = iter([lambda: room.take(upsert("e4", NOW - 9, "i1", brand="Bolt"))])
    observed.proxy.before = before_slates(changes)

    context, requests = observed.read()

    assert requests == [[], ["i1"]]
    assert context == uncached(room)
    assert context.items["item_attributes__brand"][0] == "Bolt"


def test_third_attempt_of_a_changing_slate_requests_all_items(room, observed, history):
    observed.read()
    events = [upsert(f"b{n}", NOW - 9 + n, f"i{n}", brand=f"brand {n}") for n in (1, 2, 3)]
    observed.proxy.before = before_slates(iter([lambda e=e: room.take(e) for e in events]))

    context, requests = observed.read()

    assert requests == [[], ["i1"], list(ITEMS)]
    assert context == uncached(room)
    assert context.items["item_attributes__brand"] == ["brand 1", "brand 2", "brand 3"]


def test_flush_during_a_read_empties_the_cache(room, observed, history):
    observed.read()
    observed.proxy.before = before_slates(iter([room.client.flushdb]))

    context, requests = observed.read()

    assert requests == [[], list(ITEMS)]
    assert context == uncached(room)


def test_connection_lost_during_a_read_is_an_error_and_empties_the_cache(room, observed, history):
    observed.read()
    observed.proxy.before = before_slates(iter([observed.proxy.hang_up]))
    with pytest.raises(redis.ConnectionError):
        observed.read()

    context, requests = observed.read()

    assert requests == [list(ITEMS)]
    assert context == uncached(room)


def test_error_reply_is_not_cached(room, observed, history):
    observed.proxy.before = lambda words: LOADING if words[0] == b"MGET" else None
    with pytest.raises(RedisError, match="LOADING"):
        observed.read(user=None)
    observed.proxy.before = lambda words: None

    context, requests = observed.read(user=None)

    assert requests == [list(ITEMS)]
    assert context == uncached(room, user=None)


def test_item_the_server_stops_tracking_is_requested_again(room, observed, history):
    option = "tracking-table-max-keys"
    before = room.client.config_get(option)[option]
    room.client.config_set(option, 1)
    try:
        observed.read()
        for n in range(4):
            room.take(upsert(f"b{n}", NOW - 9 + n, f"i{n}", brand=f"brand {n}"))

            assert observed.read()[0] == uncached(room)
        assert observed.read()[1] != [[]]
    finally:
        room.client.config_set(option, before)


def test_cancelled_read_does_not_affect_others(room, history):
    async def work():
        with closing(CachedReader(room)) as reader:
            cancelled = asyncio.ensure_future(reader.read())
            others = [asyncio.ensure_future(reader.read(items)) for items in (["i1"], ITEMS, [])]
            await asyncio.sleep(0)
            cancelled.cancel()
            return await asyncio.gather(*others, reader.read())

    assert asyncio.run(work()) == [uncached(room, i) for i in (["i1"], ITEMS, [], ITEMS)]


def before_slates(changes):
    """Make the next change before each request of a slate reaches the server."""

    def before(words):
        if is_request(words):
            next(changes, lambda: None)()

    return before


def size_of(room, item):
    """Return the bytes that the cache counts for an item."""
    keys = room.reader.item_keys(item)
    return OVERHEAD_BYTES + sum(map(len, [*keys, *filter(None, room.client.mget(keys))]))
