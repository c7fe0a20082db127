"""How BentoML's arbiter watches its workers.

The arbiter is the process of `bentoml serve`; it imports the module of the service, and then starts
workers, which answer.  By itself it looks for killed workers every ten seconds, not at all in a
container, and leaves its workers running when it is killed.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from feature_repo.home import ARBITER, end_with
from serving.monitoring import METRICS_FOLDER, new_metrics_folder

CHECK_SECONDS = 0.5
"""Pause between two looks for killed workers."""

PAUSE_SECONDS = 5.0
"""Least time between two starts of workers.  An arbiter that has no worker meanwhile ends, and
`aisle serve`, systemd or the cluster starts it again, with longer pauses."""


def supervise_workers() -> None:
    """Let the arbiter of this process replace a killed worker within a second, everywhere."""
    if ARBITER in os.environ:
        return
    from bentoml import serving
    from bentoml._internal.utils import circus

    serving.create_watcher = partial(_watcher, serving.create_watcher)
    circus.create_standalone_arbiter = partial(
        circus.create_standalone_arbiter, check_delay=CHECK_SECONDS
    )


def end_with_arbiter() -> None:
    """End this worker when its arbiter ends; a killed arbiter stops nothing itself."""
    if ARBITER in os.environ:
        end_with(int(os.environ[ARBITER]))


def _watcher(create: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    watcher = create(*arguments, **options)
    watcher.respawn = True
    watcher.env[ARBITER] = str(os.getpid())
    watcher.env[METRICS_FOLDER] = str(new_metrics_folder())
    watcher.spawn_processes = _Paced(watcher.spawn_processes)
    return watcher


class _Paced:
    """Starts workers, but does nothing within `PAUSE_SECONDS` of the last start."""

    def __init__(self, spawn: Callable[[], Any]) -> None:
        self._spawn, self._next_at = spawn, 0.0

    async def __call__(self) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + PAUSE_SECONDS
            await self._spawn()
