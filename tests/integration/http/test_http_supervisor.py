"""`aisle serve` restarts each of its killed processes, and leaves none when it is killed."""

import os
import signal
import time

import psutil
import pytest

from feature_repo.online.redis.server import ensure_redis, status
from tests.integration.http.served import serve
from tests.scale import seconds


@pytest.fixture(scope="module")
def served(shop):
    """A service of the shop, which starts with a Redis whose data cannot be read."""
    os.kill(status(shop)["pid"], signal.SIGKILL)
    while status(shop)["running"]:
        time.sleep(0.01)
    (manifest,) = (shop.home.redis / "appendonlydir").glob("*.manifest")
    manifest.write_bytes(b"garbage\n")
    with serve(shop) as served:
        yield served
    ensure_redis(shop)


def test_live_state_that_cannot_be_read_is_built_again(served):
    assert "cannot read the live state" in served.output
    assert "they are loaded from its files" in served.output
    assert served.answers_in_full()


@pytest.mark.parametrize("role", ["worker", "arbiter", "redis"])
def test_a_killed_process_is_replaced(served, role):
    killed = getattr(served, role)

    killed.kill()

    gone, _ = psutil.wait_procs([killed], seconds(10))
    assert gone
    print(f"{role}: back after {served.seconds_until_back():.1f} s")
    assert getattr(served, role).pid != killed.pid


def test_nothing_is_left_of_a_service_that_is_killed(served):
    children = psutil.Process(served.process.pid).children(recursive=True)
    assert {served.worker, served.arbiter, served.redis} <= {*children}

    served.process.kill()

    _, left = psutil.wait_procs(children, seconds(10))
    assert left == []
