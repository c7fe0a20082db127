"""Folders of metrics are removed with their process, even a killed one."""

import subprocess
import sys
from pathlib import Path

MAKE = "from serving.monitoring import new_metrics_folder; print(new_metrics_folder(), flush=True)"
KILLED = f"{MAKE}; import os; os.kill(os.getpid(), 9)"
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
