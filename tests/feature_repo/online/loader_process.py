"""Starts processes that are killed while they load; Feast is imported beforehand.

    python -m tests.feature_repo.online.loader_process HOME

For each line it reads, `load` or `apply` and a number of seconds, it forks a child that runs this
verb; the child is killed with -9 after so many seconds, if it has not ended.  It prints the child's
exit code and its duration in seconds.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from feature_repo.catalogue import Catalogue
from feature_repo.events.log import read_seals
from feature_repo.feast_repo import repository
from feature_repo.home import Home


def load(home):
    """Load all rows again."""
    repository.materialize(home, read_seals(home.log / "seals").last + 1, full=True)


def apply(home):
    """Register the catalogue."""
    repository.apply(home)


def main(root):
    """Fork one child per line."""
    home = Home(Path(root))
    Catalogue.of(home)
    for line in sys.stdin:
        verb, seconds = line.split()
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            {"load": load, "apply": apply}[verb](home)
            os._exit(0)
        death = threading.Timer(float(seconds), os.kill, (child, signal.SIGKILL))
        death.start()
        _, status = os.waitpid(child, 0)
        death.cancel()
        death.join()
        print(os.waitstatus_to_exitcode(status), time.monotonic() - began, flush=True)


@contextmanager
def loader_process(home):
    """Yield a function of verb and seconds; it returns the child's exit code and duration."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.feature_repo.online.loader_process", str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def child(verb, seconds=60.0):
        process.stdin.write(f"{verb} {seconds}\n")
        process.stdin.flush()
        ended, elapsed = process.stdout.readline().split()
        return int(ended), float(elapsed)

    try:
        yield child
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
