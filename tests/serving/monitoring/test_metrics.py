"""Killed processes leave neither folders of metrics nor gauges."""

import os
import subprocess
import sys
from pathlib import Path

MAKE = "from serving.monitoring import new_metrics_folder; print(new_metrics_folder(), flush=True)"
KILLED = f"{MAKE}; import os; os.kill(os.getpid(), 9)"
SETS_A_GAUGE = "from serving.monitoring import EVENTS, PENDING_EVENTS; PENDING_EVENTS.set(7)"
COUNTS = "EVENTS.labels('accepted').inc(3)"
SHOWS = "from serving.monitoring import exposition; print(exposition().decode())"
RUNNING = f"{MAKE}; input()"


def run(code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options
    )


def folder_of(process):
    return Path(process.stdout.readline().strip())


def test_a_folder_of_metrics_lives_as_long_as_its_process():
    with run(KILLED) as killed:
        left = folder_of(killed)
    assert left.is_dir()

    with run(RUNNING, stdin=subprocess.PIPE) as running:
        folder = folder_of(running)
        with run(MAKE) as other:
            ended = folder_of(other)

        assert folder.is_dir()
        assert not left.exists()
        running.stdin.close()
        running.wait()

    assert not ended.exists()
    assert not folder.exists()


def test_a_killed_process_leaves_its_counts_and_no_gauge(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with run(f"{SETS_A_GAUGE}; {COUNTS}; {SHOWS}", env=environment) as one:
        shown_by_itself = one.stdout.read()
    with run(SHOWS, env=environment) as other:
        shown = other.stdout.read()

    assert "aisle_pending_events 7.0" in shown_by_itself
    assert "aisle_pending_events 7.0" not in shown
    assert 'aisle_events_total{outcome="accepted"} 3.0' in shown
