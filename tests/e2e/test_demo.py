"""The main job as a stranger runs it: raw events to personalized rankings over HTTP."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.scale import seconds

ROOT = Path(__file__).parents[2]
RANKLENS = Path(os.environ.get("AISLE_DATA", ROOT / "../shared/data")) / "ranklens/events.jsonl.gz"


def demo_environment(home):
    return {**os.environ, "AISLE_HOME": str(home), "REDIS_URL": ""}


def run_demo(home, *words):
    run = subprocess.run(
        ["make", "--no-print-directory", "demo", *words, "ARGS=--once --json"],
        cwd=ROOT,
        env=demo_environment(home),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def ranker_beats_click_rate(evaluation):
    row = next(r for r in evaluation["models"] if r["name"] == "ranker")
    return row["difference"]["low"] > 0


def kill_when(path, home):
    """Start a demo, and kill it and all its children as soon as `path` exists."""
    process = subprocess.Popen(
        ["make", "demo", "ARGS=--once --json"],
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


def test_a_killed_demo_goes_on_and_a_finished_one_reuses_what_exists(tmp_path):
    home = tmp_path / "home"

    kill_when(home / "features", home)
    resumed = run_demo(home)
    again = run_demo(home)

    ids = [item["item"] for item in resumed["showcase"]["before"]["items"]]
    moves = resumed["showcase"]["moves"]
    assert resumed["evaluation"]["test"]["ndcg@10"] > 0.4
    assert sorted(ids) == sorted(resumed["showcase"]["question"]["items"])
    assert [move["before"] for move in moves] != [move["after"] for move in moves]
    assert resumed["showcase"]["before"]["degraded"] == []
    assert "training" in resumed["seconds"]
    assert "training" not in again["seconds"]
    assert (
        again["showcase"]["before"]["model_version"]
        == resumed["showcase"]["before"]["model_version"]
    )


@pytest.mark.skipif(not RANKLENS.exists(), reason="AISLE_DATA has no ranklens/events.jsonl.gz")
def test_real_events_give_a_ranker_that_beats_the_smoothed_click_rate(tmp_path):
    answer = run_demo(tmp_path / "home", f"EVENTS={RANKLENS}")

    assert answer["evaluation"]["test"]["ndcg@10"] >= 0.6
    assert ranker_beats_click_rate(answer["evaluation"])
    assert answer["showcase"]["after"]["degraded"] == []
