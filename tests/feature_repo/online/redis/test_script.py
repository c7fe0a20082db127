"""Scripts are loaded again where they are missing, and refuse a cluster."""

import socket
import subprocess

import pytest
import redis

from feature_repo.home import RedisError
from feature_repo.online.redis import RedisAddress, Script, redis_client
from feature_repo.online.redis.binary import server_program
from tests.feature_repo.online.histories import NOW, click, facts
from tests.scale import seconds


def test_a_forgotten_script_is_loaded_again(room):
    room.take(click("e1", NOW - 9))
    room.client.script_flush()

    assert room.take(click("e2", NOW - 8)) == ["applied"]
    assert facts(room).items["item_engagement__clicks_all"][0] == 2


@pytest.fixture
def cluster(tmp_path):
    """A cluster of one node that holds all slots."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    options += ["--cluster-enabled", "yes", "--cluster-port", str(port + 1), "--save", ""]
    process = subprocess.Popen([server_program().path, *options], stdout=subprocess.DEVNULL)
    try:
        with redis_client(RedisAddress.local(port), timeout=seconds(5)) as client:
            ask(client, "PING", "True")
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            ask(client, "CLUSTER INFO", "'cluster_state': 'ok'")
            yield client
    finally:
        process.terminate()
        process.wait()


def ask(client, question, expected):
    """Call until the reply contains a text; the test's timeout ends the wait."""
    while True:
        try:
            if expected in str(client.execute_command(question)):
                return
        except redis.ConnectionError:
            continue


def test_cluster_is_refused_with_an_error(cluster):
    flush = Script.load("checksum", "flush")

    with pytest.raises(RedisError, match="Live tiles need one Redis server"):
        flush.run(cluster, "aisle_home:live:", [(100,)])
