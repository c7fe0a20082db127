"""Rows are stored on a cluster and behind Sentinel as on one server."""

import asyncio
import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from feast.types import Int64

from feature_repo.home import RedisError
from feature_repo.online.redis import RedisAddress, redis_client
from feature_repo.online.redis.binary import server_program
from pipelines.service import free_port
from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    SECOND,
    item_key,
    online,
    read,
    row,
    store_of,
    view_of,
    write,
)
from tests.redis_nodes import ask, running_node
from tests.scale import seconds

TYPES = {"n": Int64}
ITEMS = [f"i{n}" for n in range(40)]
DEADLINE, SLACK = 0.2, seconds(0.2)
"""Deadline of a read, and extra seconds for a busy machine."""


@contextmanager
def running(*arguments):
    process = subprocess.Popen(
        [server_program().path, *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def node(folder, *options, in_cluster=False):
    """An empty server that waits for no replica."""
    at_once = ["--repl-diskless-sync-delay", 0, "--shutdown-timeout", 0]
    return running_node(folder, *at_once, *options, in_cluster=in_cluster)


def until_it_answers(call):
    """Call until it returns: on a busy machine a deadline may pass."""
    while True:
        with suppress(RedisError):
            return call()


@pytest.fixture
def store_at(tmp_path):
    """Return a function that opens a store with the view `facts`; it is closed at the end."""
    opened = []

    def open_store(address, kind, **options):
        opened.append(store_of(tmp_path, address, redis_type=kind, **options))
        opened[-1].apply([ITEM, view_of(TYPES)])
        return opened[-1], opened[-1].get_feature_view("facts")

    yield open_store
    for store in opened:
        asyncio.run(online(store).close())


@pytest.fixture
def cluster(tmp_path):
    """Addresses of the three nodes of a cluster, each with a third of the slots."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                node(tmp_path / f"node{n}", "--cluster-node-timeout", 2000, in_cluster=True)
            )
            for n in range(3)
        ]
        for n, one in enumerate(nodes):
            first, last = (16384 * directory // 3 for directory in (n, n + 1))
            one.client.execute_command("CLUSTER ADDSLOTSRANGE", first, last - 1)
            nodes[0].client.execute_command("CLUSTER MEET", "127.0.0.1", one.port, one.bus)
        for one in nodes:
            ask(one.client, "'cluster_size': '3'", "CLUSTER INFO")
            ask(one.client, "'cluster_state': 'ok'", "CLUSTER INFO")
        yield [RedisAddress.local(one.port) for one in nodes]


@pytest.fixture
def sentinel(tmp_path):
    """The addresses of a Sentinel, which watches `mymaster`, and of that server's replica."""
    port = free_port()
    conf = tmp_path / "sentinel.conf"
    with ExitStack() as stack:
        master = stack.enter_context(node(tmp_path / "master"))
        follow = ["--replicaof", f"127.0.0.1 {master.port}"]
        replica = stack.enter_context(node(tmp_path / "replica", *follow))
        ask(master.client, "state=online", "INFO replication")
        watched = f"mymaster 127.0.0.1 {master.port} 1"
        conf.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor {watched}\n"
        )
        stack.enter_context(running(conf, "--sentinel"))
        with redis_client(RedisAddress.local(port), timeout=seconds(5)) as watcher:
            ask(watcher, str(master.port), "SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster")
            ask(watcher, str(replica.port), "SENTINEL REPLICAS", "mymaster")
        yield [RedisAddress.local(port), RedisAddress.local(replica.port)]


@pytest.mark.parametrize("kind", ["redis_cluster", "redis_sentinel"])
def test_rows_are_written_read_and_deleted(kind, store_at, request):
    addresses = request.getfixturevalue(kind.removeprefix("redis_"))
    store, view = store_at(addresses[0], kind)

    write(store, view, *(row(item, TYPES, {"n": n}) for n, item in enumerate(ITEMS)))

    assert read(store, view, ITEMS).to_dict()["n"] == [*range(len(ITEMS))]
    online(store).teardown(store.config, [view], [])
    assert read(store, view, ITEMS).to_dict()["n"] == [None] * len(ITEMS)


def test_cluster_serves_async_calls(store_at, cluster):
    store, view = store_at(cluster[-1], "redis_cluster")
    rows = [row(item, TYPES, {"n": n}) for n, item in enumerate(ITEMS)]

    async def result():
        await online(store).online_write_batch_async(store.config, view, rows, None)
        keys = [item_key(item) for item in ITEMS]
        answer = await online(store).online_read_async(store.config, view, keys)
        await online(store).close()
        return [values["n"].int64_val for _, values in answer]

    assert asyncio.run(result()) == [*range(len(ITEMS))]


@pytest.mark.parametrize("end", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_unresponsive_node_costs_one_deadline_per_read(store_at, cluster, end):
    options = {"deadline_seconds": DEADLINE, "breaker_failures": 99}
    store, view = store_at(cluster[0], "redis_cluster", **options)
    write(store, view, *(row(item, TYPES, {"n": n}) for n, item in enumerate(ITEMS)))
    until_it_answers(lambda: read(store, view, ITEMS))
    with redis_client(cluster[-1], timeout=seconds(5)) as client:
        process = client.info("server")["process_id"]

    os.kill(process, end)
    started = time.monotonic()
    try:
        with pytest.raises(RedisError, match="does not answer"):
            read(store, view, ITEMS)
    finally:
        os.kill(process, signal.SIGCONT)

    assert time.monotonic() - started < DEADLINE + SLACK


def test_unreachable_cluster_is_an_error(store_at):
    store, view = store_at(RedisAddress.local(free_port()), "redis_cluster")

    with pytest.raises(RedisError, match="does not answer"):
        read(store, view, ITEMS)
    with pytest.raises(RedisError, match="does not answer"):
        write(store, view, row("a", TYPES, {"n": 1}))


def test_rows_are_written_to_the_server_sentinel_chooses(store_at, sentinel):
    store, view = store_at(sentinel[0], "redis_sentinel", breaker_failures=99)
    write(store, view, row("a", TYPES, {"n": 1}))
    with redis_client(sentinel[0], timeout=seconds(5)) as client:
        ask(client, "True", "SENTINEL FAILOVER", "mymaster")
        ask(client, str(sentinel[1].port), "SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster")

    key = online(store).codec(store.config, view).keys([b"s1:a"])[0]
    with redis_client(sentinel[1], timeout=seconds(5)) as client:
        replicated = client.get(key)
        while client.get(key) in (None, replicated):
            with suppress(RedisError):
                write(store, view, row("a", TYPES, {"n": 2}, NOON + SECOND))

    assert read(store, view, ["a"]).to_dict()["n"] == [2]
