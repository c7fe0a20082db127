"""Scripts are loaded again where they are missing, and refuse a cluster."""

import pytest

from feature_repo.home import RedisError
from feature_repo.online.redis import Script
from tests.feature_repo.online.histories import NOW, click, facts
from tests.redis_nodes import ask, running_node


def test_a_forgotten_script_is_loaded_again(room):
    room.take(click("e1", NOW - 9))
    room.client.script_flush()

    assert room.take(click("e2", NOW - 8)) == ["applied"]
    assert facts(room).items["item_engagement__clicks_all"][0] == 2


@pytest.fixture
def cluster(tmp_path):
    """A cluster of one node that holds all slots."""
    with running_node(tmp_path, in_cluster=True) as node:
        node.client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        ask(node.client, "'cluster_state': 'ok'", "CLUSTER INFO")
        yield node.client


def test_cluster_is_refused_with_an_error(cluster):
    flush = Script.load("checksum", "flush")

    with pytest.raises(RedisError, match="Live tiles need one Redis server"):
        flush.run(cluster, "aisle_home:live:", [(100,)])
