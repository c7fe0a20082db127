"""`aisle serve` restarts each of its killed processes, and leaves none when it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from feature_repo.online.redis.server import ensure_redis, status
from pipelines.service import free_port
from tests.scale import seconds


class Served:
    """A running `aisle serve`, and its processes by role."""

    def __init__(self, process, settings, http):
        self.process, self.settings, self.http = process, settings, http

    @property
    def arbiter(self):
        return self.child("bentoml")

    @property
    def worker(self):
        return self.child("_bentoml_impl.worker.service")

    @property
    def redis(self):
        return psutil.Process(status(self.settings)["pid"])

    def child(self, module):
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(each for each in children if module in each.cmdline())

    def answers_in_full(self):
        try:
            answer = self.http.post("/rank/default", json={"items": [{"id": "i00001"}]})
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["degraded"] == []

    def is_back(self):
        began = time.monotonic()
        while not self.answers_in_full():
            assert self.process.poll() is None, self.process.returncode
            assert time.monotonic() - began < seconds(60)
            time.sleep(0.05)
        print(f"back after {time.monotonic() - began:.1f} s")
        return True


@pytest.fixture(scope="module")
def served(shop):
    environment = {**os.environ, "AISLE_HOME": str(shop.home.root)}
    port = free_port()
    command = [Path(sys.executable).with_name("aisle"), "serve", "--port", str(port)]
    os.kill(status(shop)["pid"], signal.SIGKILL)
    url = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(command, env=environment) as process,
        httpx.Client(base_url=url, timeout=seconds(5), trust_env=False) as http,
    ):
        served = Served(process, shop, http)
        assert served.is_back()
        yield served
        process.terminate()
    ensure_redis(shop)


@pytest.mark.parametrize("role", ["worker", "arbiter", "redis"])
def test_a_killed_process_is_replaced(served, role):
    killed = getattr(served, role)

    killed.kill()

    gone, _ = psutil.wait_procs([killed], seconds(10))
    assert gone
    assert served.is_back()
    assert getattr(served, role).pid != killed.pid


def test_nothing_is_left_of_a_service_that_is_killed(served):
    children = psutil.Process(served.process.pid).children(recursive=True)
    assert {served.worker, served.arbiter, served.redis} <= {*children}

    served.process.kill()

    _, left = psutil.wait_procs(children, seconds(10))
    assert left == []
