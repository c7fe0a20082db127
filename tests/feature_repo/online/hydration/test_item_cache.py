"""What is kept of items is what a read that asks for everything finds at the same instant."""

import asyncio
from contextlib import closing, suppress

import pytest
import redis

from feature_repo.home import DAY, HOUR, Home, RedisError, Settings
from feature_repo.online.hydration.item_cache import _EACH
from feature_repo.online.redis import running_redis
from tests.feature_repo.online.cached_reader import (
    CachedReader,
    Watched,
    full,
    hung_up,
    is_question,
)
from tests.feature_repo.online.conftest import Room
from tests.feature_repo.online.histories import ITEMS, NOW, click, ranking, upsert
from tests.feature_repo.online.item_strings import loaded

NOBODY = "nobody-sells-this"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


@pytest.fixture
def watched(room):
    with closing(Watched(room)) as watched:
        yield watched


@pytest.fixture
def some_history(room):
    room.take(
        upsert("e1", NOW - HOUR, "i1", brand="Acme", price=3, category="shoes"),
        ranking("e2", NOW - 99, user_id="u1", query="shoes", request_id="r1"),
        click("e3", NOW - 98, "i2", request_id="r1"),
    )


def test_what_is_known_is_not_asked_for_again(room, watched, some_history):
    first, asked_first = watched.read()
    second, asked_second = watched.read()

    assert asked_first == [list(ITEMS)]
    assert asked_second == [[]]
    assert first == second == full(room)
    assert first.items["item_attributes__brand"] == ["Acme", None, None]


def test_only_what_is_unknown_is_asked_for(room, watched, some_history):
    watched.read(["i2"])

    found, asked = watched.read()

    assert asked == [["i1", "i3"]]
    assert found == full(room)


def test_user_query_and_market_are_asked_for_each_time(room, watched, some_history):
    watched.read()
    room.take(click("e4", NOW - 9, "i3", user_id="u1"))

    found, _ = watched.read()

    assert found.user["user_recent__clicked_item_ids"] == ["i3", "i2"]
    assert found == full(room)


@pytest.mark.parametrize(
    "event",
    [
        click("e4", NOW - 9, "i1"),
        click("e4", NOW - 9, "i1", corrects="e3"),
        ranking("e4", NOW - 9, ["i1"], request_id="r2"),
        upsert("e4", NOW - 9, "i1", brand="Bolt"),
    ],
    ids=["click", "correction", "ranking", "upsert"],
)
def test_an_event_of_an_item_is_known_to_the_next_read(room, watched, some_history, event):
    before, _ = watched.read()
    room.take(event)

    found, asked = watched.read()

    assert found == full(room) != before
    assert asked == [[], ["i1"]]


@pytest.mark.parametrize("item", [NOBODY, "", "ü:1", "x" * 300])
def test_of_an_item_that_nobody_heard_of_that_is_known_until_it_comes(room, watched, item):
    for asked_for in ([item], []):
        found, asked = watched.read([item])
        assert asked == [asked_for]
        assert found.items["item_attributes__present"] == [False]
    room.take(upsert("e1", NOW - 9, item, brand="Acme"))

    found, _ = watched.read([item])

    assert found.items["item_attributes__brand"] == ["Acme"]
    assert found == full(room, [item])


def test_rows_that_were_loaded_are_known_to_the_next_read(room, watched, some_history):
    watched.read()
    room.client.mset(loaded(room, "i1", title="Boot", price=7.0))

    found, asked = watched.read()

    assert asked == [[], ["i1"]]
    assert found == full(room)
    assert found.items["item_attributes__title"] == ["Boot", None, None]
    assert found.items["item_attributes__price"] == [3, None, None]
    assert found.items["item_percentiles__category_price"] == [7, None, None]


@pytest.mark.parametrize("string", range(4))
def test_a_string_that_is_gone_or_expired_is_not_kept(room, watched, some_history, string):
    room.client.mset(loaded(room, "i1", title="Boot", price=7.0))
    key = room.reader.item_keys("i1")[string]
    for remove in (room.client.delete, lambda key: room.client.pexpire(key, 0)):
        kept = room.client.get(key)
        before, _ = watched.read()
        remove(key)

        found, asked = watched.read()

        assert asked == [[], ["i1"]]
        assert found == full(room) != before
        room.client.set(key, kept)


@pytest.mark.parametrize("flush", ["flushdb", "flushall"])
def test_after_a_flush_nothing_is_kept(room, watched, some_history, flush):
    watched.read()
    getattr(room.client, flush)()

    found, asked = watched.read()

    assert asked == [[], list(ITEMS)]
    assert found == full(room)
    assert set(found.items["item_attributes__present"]) == {False}


def test_with_the_connection_goes_what_it_vouched_for(room, watched, some_history):
    watched.read()
    room.client.client_kill_filter(_type="normal", skipme=True)
    room.take(upsert("e4", NOW - 9, "i1", brand="Bolt"))

    with suppress(redis.ConnectionError):
        watched.read()
    found, _ = watched.read()

    assert found == full(room)
    assert found.items["item_attributes__brand"][0] == "Bolt"


def test_a_server_that_was_restarted_is_asked_anew(home, room):
    settings = Settings(home=Home(home.root / "own"))
    with running_redis(settings) as address, asyncio.Runner() as runner:
        room = Room(room.home, room.shop, address, room.clock)
        room.take(upsert("e1", NOW - 9, "i1", brand="Acme"))
        known = CachedReader(room, address)
        assert runner.run(known.read()) == full(room)
        room.client.shutdown()
        with running_redis(settings) as again:
            assert again.port == address.port
            room.take(upsert("e2", NOW - 8, "i1", brand="Bolt"))
            with suppress(redis.ConnectionError):
                runner.run(known.read())

            found = runner.run(known.read())

            assert found == full(room)
            assert found.items["item_attributes__brand"][0] == "Bolt"
            runner.run(hung_up(known))


def test_repeated_items_and_none_are_slates_like_others(room, watched, some_history):
    for items in (["i1", "i2", "i1"], [], ["i1", NOBODY, "i1", NOBODY]):
        for _ in range(2):
            found, _ = watched.read(items)
            assert found == full(room, items)
        assert watched.read(items)[1] == [[]]


def test_a_thousand_items_are_kept(room, watched):
    items = [f"item {n}" for n in range(1000)]
    room.writer.apply([upsert(f"e{n}", NOW - 9, items[n], price=n) for n in range(0, 1000, 3)])

    found, asked = watched.read(items)

    assert asked == [items]
    assert watched.read(items) == (found, [[]])
    assert found == full(room, items)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_on_another_day_windows_end_without_a_question(room, watched, some_history, days):
    today, _ = watched.read(t=NOW - 1)

    then, asked = watched.read(t=NOW - 1 + days * DAY)
    again, _ = watched.read(t=NOW - 1)

    assert asked == [[]]
    assert then == full(room, t=NOW - 1 + days * DAY)
    assert then.items != today.items
    assert again == today


def test_what_is_kept_has_a_bound_in_bytes(room):
    items = [f"i{n}" for n in range(60)]
    room.writer.apply([upsert(f"e{n}", NOW - 9, item, price=n) for n, item in enumerate(items)])
    bound = 50_000

    with closing(Watched(room, kept_bytes=bound)) as watched:
        for item in items:
            watched.read([item])
        kept = []
        while not watched.read([items[-1 - len(kept)]])[1][0]:
            kept.append(items[-1 - len(kept)])

    sizes = [size_of(room, item) for item in items]
    assert 1 < len(kept) < len(items)
    assert sum(sizes[-len(kept) :]) <= bound < sum(sizes[-len(kept) - 1 :])


def test_what_two_reads_ask_for_at_once_is_kept_once(room, some_history):
    bound = sum(size_of(room, item) for item in ITEMS)
    with closing(Watched(room, kept_bytes=bound)) as watched:
        assert watched.read_twice() == [full(room)] * 2
        assert watched.asked() == [list(ITEMS)] * 2

        assert watched.read()[1] == [[]]


@pytest.mark.parametrize("kept_bytes", [0, 700 + _EACH])
def test_a_slate_beyond_the_bound_is_read_whole(room, some_history, kept_bytes):
    with closing(Watched(room, kept_bytes)) as watched:
        for _ in range(3):
            assert watched.read()[0] == full(room)


def test_what_gives_way_to_others_of_the_slate_is_not_asked_for_twice(room, some_history):
    with closing(Watched(room, kept_bytes=size_of(room, "i1") + size_of(room, "i2"))) as watched:
        watched.read(["i1"])

        found, asked = watched.read()

    assert asked == [["i2", "i3"]]
    assert found == full(room)


def test_an_item_that_changes_between_question_and_answer_is_asked_for_again(
    room, watched, some_history
):
    watched.read()
    changes = iter([lambda: room.take(upsert("e4", NOW - 9, "i1", brand="Bolt"))])
    watched.way.before = before_slates(changes)

    found, asked = watched.read()

    assert asked == [[], ["i1"]]
    assert found == full(room)
    assert found.items["item_attributes__brand"][0] == "Bolt"


def test_of_a_slate_that_changes_at_each_question_all_is_asked_for_in_the_end(
    room, watched, some_history
):
    watched.read()
    events = [upsert(f"b{n}", NOW - 9 + n, f"i{n}", brand=f"brand {n}") for n in (1, 2, 3)]
    watched.way.before = before_slates(iter([lambda e=e: room.take(e) for e in events]))

    found, asked = watched.read()

    assert asked == [[], ["i1"], list(ITEMS)]
    assert found == full(room)
    assert found.items["item_attributes__brand"] == ["brand 1", "brand 2", "brand 3"]


def test_a_flush_between_question_and_answer_leaves_nothing_known(room, watched, some_history):
    watched.read()
    watched.way.before = before_slates(iter([room.client.flushdb]))

    found, asked = watched.read()

    assert asked == [[], list(ITEMS)]
    assert found == full(room)


def test_a_connection_lost_between_question_and_answer_is_an_error_and_forgets(
    room, watched, some_history
):
    watched.read()
    watched.way.before = before_slates(iter([watched.way.hang_up]))
    with pytest.raises(redis.ConnectionError):
        watched.read()

    found, asked = watched.read()

    assert asked == [list(ITEMS)]
    assert found == full(room)


def test_of_an_answer_that_is_an_error_nothing_is_kept(room, watched, some_history):
    watched.way.before = lambda words: LOADING if words[0] == b"MGET" else None
    with pytest.raises(RedisError, match="LOADING"):
        watched.read(user=None)
    watched.way.before = lambda words: None

    found, asked = watched.read(user=None)

    assert asked == [list(ITEMS)]
    assert found == full(room, user=None)


def test_what_the_server_no_longer_remembers_is_asked_for_again(room, watched, some_history):
    few = "tracking-table-max-keys"
    before = room.client.config_get(few)[few]
    room.client.config_set(few, 1)
    try:
        watched.read()
        for n in range(4):
            room.take(upsert(f"b{n}", NOW - 9 + n, f"i{n}", brand=f"brand {n}"))

            assert watched.read()[0] == full(room)
        assert watched.read()[1] != [[]]
    finally:
        room.client.config_set(few, before)


def test_whoever_gives_up_leaves_the_others_right(room, some_history):
    async def work():
        with closing(CachedReader(room)) as known:
            given_up = asyncio.ensure_future(known.read())
            others = [asyncio.ensure_future(known.read(items)) for items in (["i1"], ITEMS, [])]
            await asyncio.sleep(0)
            given_up.cancel()
            return await asyncio.gather(*others, known.read())

    assert asyncio.run(work()) == [full(room, i) for i in (["i1"], ITEMS, [], ITEMS)]


def before_slates(changes):
    """Makes the next change before each question about a slate reaches the server."""

    def before(words):
        if is_question(words):
            next(changes, lambda: None)()

    return before


def size_of(room, item):
    """Bytes of an item's keys and strings."""
    keys = room.reader.item_keys(item)
    return _EACH + sum(map(len, [*keys, *filter(None, room.client.mget(keys))]))
