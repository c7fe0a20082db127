"""Runs of a pipeline that are killed in one step after the other.

    python -m tests.pipelines.kubeflow.killed_runs HOME PIPELINE STEP…

Each run is a forked process, so that libraries are imported once.  It is killed as soon as the step
has made the folder of its outputs; the next run is to continue from there.
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
    home = Home(Path(root))
    for step in steps:
        before = folders_of(home, step)
        process = os.fork()
        if process == 0:
            with exclusive_training(home, "a killed run"):
                run_pipeline(pipeline_of(name), home)
            os._exit(0)
        while folders_of(home, step) == before:
            if os.waitpid(process, os.WNOHANG) != (0, 0):
                sys.exit(f"The run ended before {step} began.")
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        print(step, flush=True)


def folders_of(home: Home, step: str) -> set[Path]:
    """The folders that runs of a step have made."""
    return {*(home.root / "kubeflow" / "runs").glob(f"*/{step.replace('_', '-')}")}


if __name__ == "__main__":
    main(*sys.argv[1:])
