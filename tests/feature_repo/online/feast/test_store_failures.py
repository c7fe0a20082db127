"""Redis killed, frozen, flushed, full or damaged: every answer is in time, and none is wrong."""

import asyncio
import os
import signal
import time

import pytest
from feast import FeatureService
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import Array, Bool, Float32, Float64, Int64, Map, String, UnixTimestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import Home, RedisError, Settings
from feature_repo.online.codec import HAS_CREATED
from feature_repo.online.redis import redis_client, running_redis
from tests.feature_repo.online.stores import (
    ITEM,
    item_key,
    online,
    read,
    row,
    store_of,
    stored_rows,
    vectors,
    view_of,
    write,
)
from tests.scale import examples, seconds

TYPES = {
    "n": Int64,
    "x": Float64,
    "y": Float32,
    "b": Bool,
    "s": String,
    "l": Array(Int64),
    "m": Map,
    "t": UnixTimestamp,
}
FIELD = {
    "n": "int64_val",
    "x": "double_val",
    "y": "float_val",
    "b": "bool_val",
    "s": "string_val",
    "l": "int64_list_val",
    "m": "map_val",
    "t": "unix_timestamp_val",
}
STORED = {"n": 5, "x": 0.5, "y": 0.25, "b": True, "s": "é", "l": [1, 2], "m": {"k": 1}}
DEADLINE, SLACK = 0.2, seconds(0.2)
"""Deadline of a read, and extra seconds for a busy machine."""


@pytest.fixture
def server(tmp_path):
    """A private server that tests may damage."""
    with running_redis(Settings(home=Home(tmp_path / "server"))) as address:
        yield address


def shop(folder, address, **options):
    """A store with a view of all `TYPES` and a row of `a`."""
    store = store_of(folder, address, **options)
    store.apply([ITEM, view_of(TYPES), FeatureService(name="all", features=[view_of(TYPES)])])
    write(store, store.get_feature_view("facts"), row("a", TYPES, STORED))
    return store


def process_of(address):
    with redis_client(address, timeout=seconds(5)) as client:
        return client.info("server")["process_id"]


def seconds_of(call):
    """Return the seconds until a call fails as expected."""
    started = time.monotonic()
    with pytest.raises(RedisError):
        call()
    return time.monotonic() - started


def stored_columns(client, view, items):
    """Read items as serving does, without Feast; no view of a shop has a map."""
    rows = stored_rows(view)
    strings = client.mget(rows.keys(items, view.name))
    return rows.read(view.name, strings, [*TYPES.keys() - {"m"}], now=0)


def reads(store):
    """Every way to read through Feast, as calls."""
    view = store.get_feature_view("facts")

    async def read_async():
        try:
            return await store.get_online_features_async(["facts:n"], [{"item_id": "a"}])
        finally:
            await online(store).close()

    return [
        lambda: read(store, view, ["a"]),
        lambda: online(store).online_read(store.config, view, [item_key("a")]),
        lambda: asyncio.run(read_async()),
    ]


def test_killed_server_is_an_immediate_error(tmp_path, server):
    store = shop(tmp_path, server, deadline_seconds=DEADLINE)
    calls = reads(store)
    os.kill(process_of(server), signal.SIGKILL)

    assert max(seconds_of(call) for call in calls * 3) < DEADLINE + SLACK


def test_a_frozen_server_is_an_error_within_the_deadline(tmp_path, server):
    store = shop(tmp_path, server, deadline_seconds=DEADLINE)
    calls = reads(store)
    process = process_of(server)
    os.kill(process, signal.SIGSTOP)
    try:
        waited = [seconds_of(call) for call in calls]
    finally:
        os.kill(process, signal.SIGCONT)

    assert max(waited) < DEADLINE + SLACK


def test_frozen_server_is_not_awaited_after_consecutive_failures(tmp_path, server):
    store = shop(
        tmp_path,
        server,
        deadline_seconds=DEADLINE,
        breaker_failures=2,
        breaker_rest_seconds=600.0,
    )
    call = reads(store)[0]
    process = process_of(server)
    os.kill(process, signal.SIGSTOP)
    try:
        for _ in range(2):
            seconds_of(call)
        with pytest.raises(RedisError, match="did not answer 2 times in a row"):
            call()
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_thawed_server_is_used_again(tmp_path, server):
    store = shop(tmp_path, server, deadline_seconds=DEADLINE, breaker_rest_seconds=0.0)
    call = reads(store)[0]
    process = process_of(server)
    os.kill(process, signal.SIGSTOP)
    try:
        seconds_of(call)
    finally:
        os.kill(process, signal.SIGCONT)
    while True:
        try:
            answer = call()
        except RedisError:
            continue
        break

    assert answer.to_dict()["n"] == [5]


def test_flushed_server_has_no_rows(tmp_path, redis_address):
    store = shop(tmp_path, redis_address)
    online(store)._get_client(store.config.online_store).flushall()
    online(store)._get_client(store.config.online_store).script_flush()

    answer = read(store, store.get_feature_view("facts"), ["a"])
    write(store, store.get_feature_view("facts"), row("b", TYPES, STORED))

    assert {s for v in vectors(answer).values() for s in v.statuses[:1]} <= {
        FieldStatus.NOT_FOUND,
        FieldStatus.PRESENT,
    }
    assert answer.to_dict()["n"] == [None]
    assert read(store, store.get_feature_view("facts"), ["b"]).to_dict()["n"] == [5]


def test_full_server_refuses_writes_and_still_serves_reads(tmp_path, server):
    store = shop(tmp_path, server)
    view = store.get_feature_view("facts")
    client = online(store)._get_client(store.config.online_store)
    client.config_set("maxmemory", "1mb")

    with pytest.raises(RedisError, match="out of memory and refuses writes"):
        write(store, view, row("b", TYPES, STORED))

    client.config_set("maxmemory", "0")
    assert read(store, view, ["a", "b"]).to_dict()["n"] == [5, None]


@pytest.fixture(scope="module")
def garden(tmp_path_factory, shared_redis):
    """A store, and the key and bytes of the row of `a`."""
    store = shop(tmp_path_factory.mktemp("garden"), shared_redis)
    client = online(store)._get_client(store.config.online_store)
    view = store.get_feature_view("facts")
    key = online(store).codec(store.config, view).keys([b"s1:a"])[0]
    return store, client, view, key, client.get(key)


noise = st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=6))


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(noise, min_size=1, max_size=4), st.integers(0, 200) | st.none())
def test_garbage_never_gives_a_value_of_a_wrong_type(garden, patches, length):
    store, client, view, key, whole = garden
    damaged = bytearray(whole)
    for at, text in patches:
        damaged[at : at + len(text)] = text
    client.set(key, bytes(damaged[:length]))
    write(store, view, row("b", TYPES, STORED))

    answer = vectors(read(store, view, ["a", "b"]))
    columns = stored_columns(client, view, ["a", "b"])

    for name, field in FIELD.items():
        assert answer[name].values[0].WhichOneof("val") in (None, field)
    assert answer["s"].values[1].string_val == "é"
    for values in columns.values():
        assert None in values or type(values[0]) is type(values[1])
    assert columns["s"][1] == "é"


@pytest.mark.parametrize("end", [b"", b"\xff" * 7 + b"\x7f"], ids=["cut", "far future"])
def test_repeated_write_repairs_a_damaged_row(garden, end):
    store, client, view, key, whole = garden
    client.set(key, bytes([whole[0], whole[1] | HAS_CREATED]) + whole[2:20] + end)

    write(store, view, row("a", TYPES, STORED))

    assert client.get(key) == whole


def test_next_write_replaces_bytes_that_are_no_row(garden):
    store, client, view, key, whole = garden
    client.delete(key)
    client.lpush(key, "no row")

    write(store, view, row("a", TYPES, STORED))

    assert client.get(key) == whole
