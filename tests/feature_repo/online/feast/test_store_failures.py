"""Redis killed, frozen, flushed, full or filled with garbage: every answer in time, none untrue."""

import asyncio
import os
import signal
import time

import numpy as np
import pytest
import redis
from feast import FeatureService
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import Array, Bool, Float32, Float64, Int64, Map, String, UnixTimestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import Home, RedisError, Settings
from feature_repo.online.codec import HAS_CREATED
from feature_repo.online.feast.matrix import MatrixReader
from feature_repo.online.redis import running_redis
from tests.feature_repo.online.stores import (
    ITEM,
    item_key,
    online,
    read,
    row,
    store_of,
    vectors,
    view_of,
    write,
)
from tests.scale import examples

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
KNOWN = {"n": 5, "x": 0.5, "y": 0.25, "b": True, "s": "é", "l": [1, 2], "m": {"k": 1}}
DEADLINE, SLACK = 0.2, 2.0
"""Seconds a read may wait, and seconds more that a busy machine may take to run the test."""


@pytest.fixture
def server(tmp_path):
    """A private server that may be harmed."""
    with running_redis(Settings(home=Home(tmp_path / "server"))) as address:
        yield address


def shop(folder, address, **options):
    """A store with a view of all `TYPES` and a row of `a`."""
    store = store_of(folder, address, **options)
    store.apply([ITEM, view_of(TYPES), FeatureService(name="all", features=[view_of(TYPES)])])
    write(store, store.get_feature_view("facts"), row("a", TYPES, KNOWN))
    return store


def process_of(address):
    with redis.Redis(host=address.host, port=address.port) as client:
        return client.info("server")["process_id"]


def seconds_of(call):
    """How long a call takes to fail as it should."""
    begun = time.monotonic()
    with pytest.raises(RedisError):
        call()
    return time.monotonic() - begun


def reads(store):
    """Every way to read, as calls."""
    view = store.get_feature_view("facts")
    matrix = MatrixReader(store, store.get_feature_service("all"))

    async def read_async():
        try:
            return await store.get_online_features_async(["facts:n"], [{"item_id": "a"}])
        finally:
            await online(store).close()

    return [
        lambda: read(store, view, ["a"]),
        lambda: matrix.read({"item_id": ["a"]}),
        lambda: online(store).online_read(store.config, view, [item_key("a")]),
        lambda: asyncio.run(read_async()),
    ]


def test_a_killed_server_is_an_error_at_once(tmp_path, server):
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


def test_after_failures_in_a_row_a_frozen_server_is_not_waited_for(tmp_path, server):
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


def test_a_flushed_server_has_nothing(tmp_path, redis_address):
    store = shop(tmp_path, redis_address)
    online(store)._get_client(store.config.online_store).flushall()
    online(store)._get_client(store.config.online_store).script_flush()

    answer = read(store, store.get_feature_view("facts"), ["a"])
    matrix = MatrixReader(store, store.get_feature_service("all")).read({"item_id": ["a"]})
    write(store, store.get_feature_view("facts"), row("b", TYPES, KNOWN))

    assert {s for v in vectors(answer).values() for s in v.statuses[:1]} <= {
        FieldStatus.NOT_FOUND,
        FieldStatus.PRESENT,
    }
    assert answer.to_dict()["n"] == [None]
    assert not matrix.present.any()
    assert read(store, store.get_feature_view("facts"), ["b"]).to_dict()["n"] == [5]


def test_a_full_server_refuses_writes_with_a_sentence_and_still_answers(tmp_path, server):
    store = shop(tmp_path, server)
    view = store.get_feature_view("facts")
    client = online(store)._get_client(store.config.online_store)
    client.config_set("maxmemory", "1mb")

    with pytest.raises(RedisError, match="out of memory and refuses writes"):
        write(store, view, row("b", TYPES, KNOWN))

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
def test_garbage_gives_nothing_of_a_wrong_type(garden, patches, length):
    store, client, view, key, whole = garden
    damaged = bytearray(whole)
    for at, text in patches:
        damaged[at : at + len(text)] = text
    client.set(key, bytes(damaged[:length]))
    write(store, view, row("b", TYPES, KNOWN))

    answer = vectors(read(store, view, ["a", "b"]))
    matrix = MatrixReader(store, store.get_feature_service("all")).read({"item_id": ["a", "b"]})

    for name, field in FIELD.items():
        assert answer[name].values[0].WhichOneof("val") in (None, field)
    assert answer["s"].values[1].string_val == "é"
    assert matrix.present[1].sum() == 4
    assert np.isnan(matrix.values[~matrix.present]).all()


@pytest.mark.parametrize("end", [b"", b"\xff" * 7 + b"\x7f"], ids=["cut", "far future"])
def test_a_damaged_row_is_healed_by_a_repeated_write(garden, end):
    store, client, view, key, whole = garden
    client.set(key, bytes([whole[0], whole[1] | HAS_CREATED]) + whole[2:20] + end)

    write(store, view, row("a", TYPES, KNOWN))

    assert client.get(key) == whole


def test_what_is_no_row_is_healed_by_the_next_write(garden):
    store, client, view, key, whole = garden
    client.delete(key)
    client.lpush(key, "no row")

    write(store, view, row("a", TYPES, KNOWN))

    assert client.get(key) == whole
