"""Four processes write the same entities concurrently: the newest row of each is stored."""

import multiprocessing
import random
from datetime import timedelta

import pytest
from feast.types import Int64

from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    online,
    read,
    row,
    store_of,
    view_of,
    write,
)
from tests.scale import seconds

WRITERS, ITEMS, ROUNDS = 4, 50, 40
TYPES = {"n": Int64}


def stamps(writer):
    """Return the writes of one writer: item and event time in seconds."""
    chance = random.Random(writer)
    return [(chance.randrange(ITEMS), chance.randrange(10_000)) for _ in range(ITEMS * ROUNDS)]


def write_all(writer, config, view, start):
    from feast.infra.online_stores.helpers import get_online_store_from_config

    store = get_online_store_from_config(config.online_store)
    start.wait()
    order = stamps(writer)
    for at in range(0, len(order), 20):
        rows = [
            row(f"i{item}", TYPES, {"n": when}, NOON + timedelta(seconds=when))
            for item, when in order[at : at + 20]
        ]
        store.online_write_batch(config, view, rows, None)


def test_concurrent_writers_store_the_newest_row_of_every_entity(tmp_path, redis_address):
    store = store_of(tmp_path, redis_address, write_deadline_seconds=seconds(60))
    store.apply([ITEM, view_of(TYPES)])
    view = store.get_feature_view("facts")
    context = multiprocessing.get_context("fork")
    start = context.Barrier(WRITERS)
    writers = [
        context.Process(target=write_all, args=(n, store.config, view, start))
        for n in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    newest = {}
    for item, when in (stamp for n in range(WRITERS) for stamp in stamps(n)):
        newest[item] = max(when, newest.get(item, -1))
    result = read(store, view, [f"i{item}" for item in newest]).to_dict()["n"]
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert result == [*newest.values()]


def test_a_repeated_write_changes_nothing(tmp_path, redis_address):
    store = store_of(tmp_path, redis_address)
    store.apply([ITEM, view_of(TYPES)])
    view = store.get_feature_view("facts")
    rows = [row(f"i{n}", TYPES, {"n": n}) for n in range(300)]
    client = online(store)._get_client(store.config.online_store)
    write(store, view, *rows)
    before = {key: client.get(key) for key in client.scan_iter("r*")}

    write(store, view, *rows)

    assert {key: client.get(key) for key in client.scan_iter("r*")} == before
    assert len(before) == 300


@pytest.mark.parametrize("expiry", [0, 1000], ids=["for good", "for a while"])
@pytest.mark.parametrize("existing", [0, 300, 700], ids=["none", "some", "all"])
@pytest.mark.parametrize("repeats", [1, 2], ids=["once", "older again"])
def test_bulk_write_replaces_only_rows_as_new_or_older(
    tmp_path, redis_address, expiry, existing, repeats
):
    store = store_of(tmp_path, redis_address, key_ttl_seconds=expiry)
    store.apply([ITEM, view_of(TYPES)])
    view = store.get_feature_view("facts")
    client = online(store)._get_client(store.config.online_store)
    client.flushdb()
    stored = {n: n % 3 - 1 for n in range(700 - existing, 700)}  # seconds older, as new, or newer
    write(store, view, *(row(f"i{n}", TYPES, {"n": -1}, at(when)) for n, when in stored.items()))

    write(
        store,
        view,
        *(row(f"i{n}", TYPES, {"n": n}, at(-turn)) for turn in range(repeats) for n in range(700)),
    )

    expected = {n: -1 if stored.get(n, 0) > 0 else n for n in range(700)}
    result = read(store, view, [f"i{n}" for n in expected]).to_dict()["n"]
    assert result == [*expected.values()]
    assert all((client.ttl(key) > 0) is (expiry > 0) for key in client.scan_iter("r*"))


def at(seconds):
    return NOON + timedelta(seconds=seconds)
