"""A cached read equals an uncached one while other clients write."""

import asyncio
import random
import threading
from collections import ChainMap
from contextlib import closing

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.home import DAY, HOUR
from feature_repo.online.hydration.item_cache import CACHE_BYTES, OVERHEAD_BYTES
from tests.feature_repo.online.cached_reader import CachedReader, uncached
from tests.feature_repo.online.histories import (
    ITEMS,
    NOW,
    QUERIES,
    USERS,
    click,
    person,
    ranking,
    upsert,
)
from tests.feature_repo.online.item_strings import loaded, patched
from tests.scale import examples

ids = st.integers(0, 999).map("e{}".format)
items = st.sampled_from([*ITEMS, "", "ü:1"])
users = st.none() | st.sampled_from(USERS)
queries = st.none() | st.sampled_from(QUERIES)
instants = st.integers(0, 99).map(lambda n: NOW - n * 9 * HOUR - 1)
texts = st.sampled_from(["a", "b"])

events = st.one_of(
    st.builds(click, ids, instants, items, user_id=users, corrects=st.none() | ids),
    st.builds(
        ranking,
        ids,
        instants,
        st.lists(items, min_size=1, max_size=4, unique=True),
        request_id=ids,
        user_id=users,
        query=queries,
    ),
    st.builds(upsert, ids, instants, items, brand=texts, price=st.none() | st.integers(0, 9)),
    st.builds(person, ids, instants, st.sampled_from(USERS), device=st.just("phone")),
)
writes = st.one_of(
    st.tuples(st.just("event"), events),
    st.tuples(st.just("event"), events),
    st.tuples(st.just("load"), items, texts, st.integers(0, 2)),
    st.tuples(st.just("damage"), items, st.integers(2, 3)),
    st.tuples(st.just("removal"), items, st.integers(0, 3)),
    st.tuples(st.sampled_from(["flush", "hang up"])),
)
slates = st.tuples(
    st.lists(items, max_size=6),
    st.sampled_from([NOW, NOW, NOW + DAY, NOW + 30 * DAY]),
    users,
    queries,
)
reads = st.tuples(st.just("read"), st.lists(slates, min_size=1, max_size=3))
histories = st.lists(writes | reads, max_size=24)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories, st.sampled_from([CACHE_BYTES, 2 * OVERHEAD_BYTES + 900, 0]))
def test_cached_reads_equal_uncached_reads_after_any_history(room, history, max_bytes):
    room.client.flushdb()

    async def run():
        with closing(CachedReader(room, max_bytes=max_bytes)) as reader:
            for act in [*history, ("read", [(ITEMS, NOW, "u1", "shoes")])]:
                if act[0] == "read":
                    contexts = await asyncio.gather(*(read_with_retry(reader, *s) for s in act[1]))
                    assert contexts == [uncached(room, *slate) for slate in act[1]]
                else:
                    write(room, *act)

    asyncio.run(run())


def write(room, kind, *arguments):
    """Write to Redis over another connection."""
    match kind, arguments:
        case "event", (event,):
            room.writer.apply([event])
        case "load", (item, title, part):
            room.client.mset(loaded(room, item, title=title, price=7.0, part=part))
        case "damage", (item, string):
            room.client.set(room.reader.item_keys(item)[string], b"nonsense")
        case "removal", (item, string):
            room.client.delete(room.reader.item_keys(item)[string])
        case "flush", ():
            room.client.flushdb()
        case "hang up", ():
            room.client.client_kill_filter(_type="normal", skipme=True)


async def read_with_retry(reader, *slate):
    """Read again where the connection was lost."""
    try:
        return await reader.read(*slate)
    except redis.ConnectionError:
        return await reader.read(*slate)


class Changes(threading.Thread):
    """Changes the brand of all items again and again, each time in one command."""

    def __init__(self, room, items, times):
        super().__init__()
        self.room, self.items, self.times = room, items, times
        self.sent = self.acknowledged = 0
        self.change()

    def run(self):
        for _ in range(self.times):
            self.change()

    def change(self):
        """Write the next brand, which is a number."""
        brand = str(self.sent + 1)
        strings = ChainMap(*(patched(self.room, item, brand=brand) for item in self.items))
        self.sent += 1
        self.room.client.mset(dict(strings))
        self.acknowledged += 1


@pytest.mark.parametrize("max_bytes", [CACHE_BYTES, 8 * OVERHEAD_BYTES])
def test_overlapping_reads_each_see_one_instant(room, max_bytes):
    items = [f"i{n}" for n in range(20)]
    changes, chance, seen = Changes(room, items, times=300), random.Random(7), []

    async def read_on(reader):
        while changes.is_alive():
            sample = chance.sample(items, chance.randint(1, len(items)))
            earliest = changes.acknowledged
            context = await reader.read(sample)
            (brand,) = set(context.items["item_attributes__brand"])
            assert earliest <= int(brand) <= changes.sent
            seen.append(int(brand))

    async def run():
        with closing(CachedReader(room, max_bytes=max_bytes)) as reader:
            changes.start()
            await asyncio.gather(*(read_on(reader) for _ in range(6)))
            assert await reader.read(items) == uncached(room, items)

    asyncio.run(run())
    changes.join()
    assert seen


def test_read_sees_every_click_acknowledged_before_it(room):
    clicks = [click(f"e{n}", NOW - 99 + n, "i1", user_id="u1") for n in range(60)]

    async def read_on(reader, clicking):
        while not clicking.done():
            await reader.read(["i1", "i2"])

    async def click_on(reader):
        for n, event in enumerate(clicks, 1):
            await asyncio.to_thread(room.writer.apply, [event])
            context = await reader.read(["i1"])
            assert context.items["item_engagement__clicks_all"] == [n]
            assert context.user["user_engagement__clicks_all"] == n

    async def run():
        with closing(CachedReader(room)) as reader:
            clicking = asyncio.ensure_future(click_on(reader))
            await asyncio.gather(clicking, *(read_on(reader, clicking) for _ in range(4)))

    asyncio.run(run())
