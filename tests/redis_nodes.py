"""Redis servers with options of their own, for one test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from feature_repo.online.redis import RedisAddress, redis_client
from feature_repo.online.redis.binary import server_program
from pipelines.service import free_port
from tests.scale import seconds


@dataclass(frozen=True)
class Node:
    """A running server, its ports, and a client; `bus` is for the other nodes of a cluster."""

    port: int
    bus: int
    client: redis.Redis
    process: subprocess.Popen[bytes]


@contextmanager
def running_node(folder: Path, *options: object, in_cluster: bool = False) -> Iterator[Node]:
    """Run an empty server until the block ends."""
    folder.mkdir(exist_ok=True)
    # A free port may be taken before the server has it: then the server ends, and others are tried.
    while (node := _started(folder, options, in_cluster)).process.poll() is not None:
        node.client.close()
    try:
        with node.client:
            yield node
    finally:
        node.process.terminate()
        node.process.wait()


def _started(folder: Path, options: tuple[object, ...], in_cluster: bool) -> Node:
    """Start a server, and wait until it answers or ends."""
    port, bus = free_port(), free_port()
    command = ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", *options]
    if in_cluster:
        command += ["--cluster-enabled", "yes", "--cluster-port", bus]
    process = subprocess.Popen(
        [server_program().path, *map(str, command)], stdout=subprocess.DEVNULL
    )
    client = redis_client(RedisAddress.local(port), timeout=seconds(5))
    while process.poll() is None and not _answers(client):
        continue
    return Node(port, bus, client, process)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def ask(client: redis.Redis, expected: str, *question: str) -> None:
    """Call until the reply contains a text; the test's timeout ends the wait."""
    while True:
        try:
            if expected in str(client.execute_command(*question)):
                return
        except redis.RedisError:
            continue
