"""Rows lie on a cluster and behind Sentinel as they lie on one server."""

import asyncio
import socket
import subprocess
from contextlib import contextmanager

import pytest
import redis
from feast.types import Int64

from feature_repo.online.redis_address import RedisAddress, redis_client
from feature_repo.online.redis_binary import server_binary
from tests.feature_repo.online.stores import (
    ITEM,
    item_key,
    online,
    read,
    row,
    store_of,
    view_of,
    write,
)

TYPES = {"n": Int64}
ITEMS = [f"i{n}" for n in range(40)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*arguments):
    process = subprocess.Popen([server_binary(), *map(str, arguments)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def ask(client, wanted, *question):
    """Ask until the answer holds what is wanted; the test's own timeout ends a vain wait."""
    while True:
        try:
            if wanted in str(client.execute_command(*question)):
                return
        except redis.RedisError:
            continue


@pytest.fixture
def cluster(tmp_path):
    """The address of a cluster of one node that holds all slots."""
    port = free_port()
    options = ["--port", port, "--bind", "127.0.0.1", "--dir", tmp_path, "--save", ""]
    with running(*options, "--cluster-enabled", "yes", "--cluster-port", free_port()):
        with redis_client(RedisAddress.local(port), timeout=5) as client:
            ask(client, "True", "PING")
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            ask(client, "'cluster_state': 'ok'", "CLUSTER INFO")
        yield RedisAddress.local(port)


@pytest.fixture
def sentinel(tmp_path, redis_address):
    """The address of a Sentinel that watches the test server as `mymaster`."""
    port = free_port()
    conf = tmp_path / "sentinel.conf"
    watched = f"mymaster {redis_address.host} {redis_address.port} 1"
    conf.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor {watched}\n")
    with running(conf, "--sentinel"):
        with redis_client(RedisAddress.local(port), timeout=5) as client:
            ask(client, str(redis_address.port), "SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster")
        yield RedisAddress.local(port)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["redis_cluster", "redis_sentinel"])
def test_rows_are_written_read_and_deleted(kind, tmp_path, request):
    address = request.getfixturevalue(kind.removeprefix("redis_"))
    store = store_of(tmp_path, address, redis_type=kind, database=0)
    store.apply([ITEM, view_of(TYPES)])
    view = store.get_feature_view("facts")

    write(store, view, *(row(item, TYPES, {"n": n}) for n, item in enumerate(ITEMS)))

    assert read(store, view, ITEMS).to_dict()["n"] == [*range(len(ITEMS))]
    online(store).teardown(store.config, [view], [])
    assert read(store, view, ITEMS).to_dict()["n"] == [None] * len(ITEMS)


@pytest.mark.timeout(120)
def test_a_cluster_answers_the_async_calls(tmp_path, cluster):
    store = store_of(tmp_path, cluster, redis_type="redis_cluster", database=0)
    store.apply([ITEM, view_of(TYPES)])
    view = store.get_feature_view("facts")
    rows = [row(item, TYPES, {"n": n}) for n, item in enumerate(ITEMS)]

    async def found():
        await online(store).online_write_batch_async(store.config, view, rows, None)
        keys = [item_key(item) for item in ITEMS]
        answer = await online(store).online_read_async(store.config, view, keys)
        await online(store).close()
        return [values["n"].int64_val for _, values in answer]

    assert asyncio.run(found()) == [*range(len(ITEMS))]
