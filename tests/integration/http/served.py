"""`aisle serve` as a process, and the processes that it watches over."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from feature_repo.online.redis.server import status
from pipelines.service import free_port
from tests.scale import seconds


class Served:
    """A running `aisle serve`, and its processes by role."""

    def __init__(self, process, settings, http):
        self.process, self.settings, self.http = process, settings, http

    @property
    def output(self):
        """What the command has announced."""
        return (self.settings.home.root / "serve.output").read_text()

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

    def seconds_until_back(self):
        """Wait until the service answers in full; return the seconds."""
        began = time.monotonic()
        while not self.answers_in_full():
            assert self.process.poll() is None, self.process.returncode
            assert time.monotonic() - began < seconds(60)
            time.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def serve(settings):
    """Run `aisle serve` for a home until the block ends; yield it when it watches the service."""
    output = settings.home.root / "serve.output"
    environment = {**os.environ, "AISLE_HOME": str(settings.home.root), "AISLE_DRAIN": "0.2"}
    port = free_port()
    command = [Path(sys.executable).with_name("aisle"), "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        output.open("w") as lines,
        subprocess.Popen(command, env=environment, stderr=lines) as process,
        httpx.Client(base_url=url, timeout=seconds(5), trust_env=False) as http,
    ):
        try:
            served = Served(process, settings, http)
            while "Aisle answers" not in served.output:
                served.seconds_until_back()
            yield served
        finally:
            process.terminate()
