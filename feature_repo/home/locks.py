"""Locks of a home, for work that must not run concurrently.

The home's own lock is of work on the log, the features and the keys; a training has another one,
because it takes long and a refresh need not wait for it.  The kernel releases a lock when the
process ends, even if it is killed, and it works between containers that share the folder.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feature_repo.home.errors import BusyError
from feature_repo.home.home import Home


@contextmanager
def exclusive(home: Home, purpose: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the home's lock; with `wait`, wait for it.

    Raises:
        BusyError: another process holds it; the message has the purpose of that process.
    """
    with _held(home, home.lock, purpose, wait=wait):
        yield


@contextmanager
def exclusive_training(home: Home, purpose: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of the home's datasets, of `build/` and of its Kubeflow runs.

    Raises:
        BusyError: another process holds it, and `wait` is not set.
    """
    with _held(home, home.training_lock, purpose, wait=wait):
        yield


@contextmanager
def _held(home: Home, lock: Path, purpose: str, *, wait: bool) -> Iterator[None]:
    home.root.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(
                f"{home.root} is in use by {holder}; wait for it to end (`aisle refresh --wait` "
                "does), or stop it."
            ) from None
        file.truncate(0)
        file.write(purpose)
        file.flush()
        yield
        file.truncate(0)
