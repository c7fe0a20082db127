"""Runs of a pipeline that are killed once in each step, in the order in which the steps begin.

    python -m tests.pipelines.kubeflow.killed_runs HOME PIPELINE STEP…

Each run is a forked process, so that libraries are imported once.  It is killed as soon as one of
the steps has made the folder of its outputs; the next run is to continue from there.  Kubeflow's
local runner decides the order of steps that do not depend on each other, in each process anew.
"""

import os
import signal
import sys
import time
from pathlib import Path

from feature_repo.home import Home, exclusive_training
from pipelines.catalogue import pipeline_of
from pipelines.kubeflow import run_pipeline


def main(root: str, name: str, *steps: str) -> None:
    home, left = Home(Path(root)), [*steps]
    while left:
        before = folders_of(home, left)
        process = os.fork()
        if process == 0:
            with exclusive_training(home, "a killed run"):
                run_pipeline(pipeline_of(name), home)
            os._exit(0)
        while not (new := folders_of(home, left) - before):
            if os.waitpid(process, os.WNOHANG) != (0, 0):
                sys.exit(f"The run ended before {left} began.")
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        step = new.pop().name.replace("-", "_")
        left.remove(step)
        print(step, flush=True)


def folders_of(home: Home, steps: list[str]) -> set[Path]:
    """The folders that runs of some steps have made; in a loop there is one for each item."""
    names = {step.replace("_", "-") for step in steps}
    runs = home.root / "kubeflow" / "runs"
    return {path for name in names for path in (*runs.glob(f"*/{name}"), *runs.glob(f"*/*/{name}"))}


if __name__ == "__main__":
    main(*sys.argv[1:])
