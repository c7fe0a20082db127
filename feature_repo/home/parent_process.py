"""Let a process end together with the one that started it, even if that is killed.

Linux alone has such a call.  Elsewhere a child of a killed process continues.
"""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

ARBITER = "AISLE_ARBITER"
"""Variable of a worker of the service: the process id of its arbiter."""

_PR_SET_PDEATHSIG = 1


def with_parent() -> Callable[[], None]:
    """Return a call for `preexec_fn`: the child is killed when this thread's process ends.

    The thread that starts the child must live as long as the child.
    """
    return partial(_end_with, ctypes.CDLL(None), os.getpid())


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends; end it now if the parent has ended."""
    _end_with(ctypes.CDLL(None), parent)


def end_after(process: int) -> None:
    """Let this process be killed when another one ends, which need not be its parent.

    A thread waits for that end.
    """
    if sys.platform == "linux":
        threading.Thread(target=_await_end, args=(process,), daemon=True).start()


def _await_end(process: int) -> None:
    with suppress(ProcessLookupError):
        end = os.pidfd_open(process)
        poll = select.poll()
        poll.register(end, select.POLLIN)
        poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def _end_with(library: ctypes.CDLL, parent: int) -> None:
    if sys.platform != "linux":
        return
    library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def kill_orphans(arbiter: int) -> None:
    """Kill the workers of an arbiter that has ended, and wait for their end.

    A worker that is still starting does not end by itself, and holds the port of the service.
    """
    for process in _workers_of(arbiter):
        with suppress(ProcessLookupError):
            os.kill(int(process.name), signal.SIGKILL)
        while _is_alive(process):
            time.sleep(0.01)


def _workers_of(arbiter: int) -> Iterator[Path]:
    """Yield the folders of an arbiter's workers in /proc; none where there is no such folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if f"{ARBITER}={arbiter}".encode() in variables:
                yield process


def _is_alive(process: Path) -> bool:
    """Return whether a process has not ended; one that nobody has waited for has."""
    try:
        return "State:\tZ" not in (process / "status").read_text()
    except OSError:
        return False
