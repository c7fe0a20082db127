"""One lock per home, for work that must not run concurrently.

The kernel releases it when the process ends, even if it is killed.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from feature_repo.home.errors import BusyError
from feature_repo.home.home import Home


@contextmanager
def exclusive(home: Home, purpose: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the home's lock; with `wait`, wait for it.

    Raises:
        BusyError: another process holds it; the message has the purpose of that process.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(
                f"{home.root} is in use by {holder}; wait for it to end, or stop it."
            ) from None
        file.truncate(0)
        file.write(purpose)
        file.flush()
        yield
        file.truncate(0)
