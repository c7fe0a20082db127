"""One finished demo, shared by all end-to-end tests and all workers of a run."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from feature_repo.home import locked
from tests.scale import EXAMPLES, seconds

ROOT = Path(__file__).parents[2]
DEMO = "ARGS=--once --json" if EXAMPLES > 1 else "ARGS=--once --json --users 100"
"""`make test-long` simulates the default shop, four times as many shoppers."""

OWN_EVENTS = "ARGS=--once --json"


@dataclass(frozen=True)
class FinishedDemo:
    """A demo of the simulated shop that was killed once, and then finished.

    Attributes:
        home: its folder.
        answer: what `make demo` printed at the end.
    """

    home: Path
    answer: dict

    def copy_to(self, home):
        """Copy the home; the demo's marker names the events by their path, which changes too."""
        shutil.copytree(self.home, home, symlinks=True)
        marker = home / "demo.json"
        source = {**json.loads(marker.read_text()), "events": str(home / "simulated.jsonl")}
        marker.write_text(json.dumps(source))
        # Copies of one home that run at once would otherwise take the same port.
        (home / "redis/port").unlink()


def demo_environment(home):
    return {**os.environ, "AISLE_HOME": str(home), "REDIS_URL": ""}


def run_demo(home, *words):
    """Run `make demo` to its end and return the JSON that it prints."""
    run = subprocess.run(
        ["make", "--no-print-directory", "demo", *words],
        cwd=ROOT,
        env=demo_environment(home),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def kill_demo_when(path, home):
    """Start a demo, and kill it and all its children as soon as `path` exists."""
    process = subprocess.Popen(
        ["make", "demo", DEMO],
        cwd=ROOT,
        env=demo_environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + seconds(120)
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="session")
def finished_demo(shared_folder):
    """Build the demo in the first worker that needs it; the others wait and read it.

    It takes half a minute, because a demo is killed, then resumed, trained and served.
    """
    home, answer = shared_folder / "finished_demo", shared_folder / "finished_demo.json"
    with locked(shared_folder / "finished_demo.lock"):
        if not answer.exists():
            kill_demo_when(home / "features", home)
            answer.write_text(json.dumps(run_demo(home, DEMO)))
    return FinishedDemo(home, json.loads(answer.read_text()))
