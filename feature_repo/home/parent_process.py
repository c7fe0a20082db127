"""Let a process end together with the one that started it, even if that is killed.

Linux alone has such a call.  Elsewhere a child of a killed process continues.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial

_PR_SET_PDEATHSIG = 1


def with_parent() -> Callable[[], None]:
    """Return a call for `preexec_fn`: the child is killed when this thread's process ends.

    The thread that starts the child must live as long as the child.
    """
    return partial(_end_with, ctypes.CDLL(None), os.getpid())


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends; end it now if the parent has ended."""
    _end_with(ctypes.CDLL(None), parent)


def _end_with(library: ctypes.CDLL, parent: int) -> None:
    if sys.platform != "linux":
        return
    library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
