"""Complete erasures: remove erased users from what a refresh does not compute again."""

import shutil
from typing import TYPE_CHECKING

from feature_repo.events.log import erasure_done, pending_erasure
from feature_repo.events.quarantine import erase_entries, erase_set_aside
from feature_repo.home import BusyError, Home, exclusive_training

if TYPE_CHECKING:
    import redis


def complete_erasures(home: Home, client: "redis.Redis") -> dict[str, int]:
    """Remove erased users from quarantine, datasets, Kubeflow runs and Redis' append-only file.

    The caller holds the home's lock, and has computed and loaded the features.  While a training
    runs, the erasure stays pending for the next refresh.

    Args:
        home: where users were erased from the log.
        client: of its Redis server.

    Returns:
        How many lines, events, datasets and runs were erased; empty where no erasure is pending.

    Raises:
        RedisError: the server does not write its append-only file again.
        redis.RedisError: the server does not answer.
    """
    from feature_repo.online.redis import rewrite_append_only_file

    ids = pending_erasure(home.log).ids
    if not ids:
        return {}
    rewrite_append_only_file(client)
    removed = {
        "quarantined lines": erase_entries(home.log / "quarantine", ids),
        "events set aside": erase_set_aside(home.log, ids),
    }
    try:
        with exclusive_training(home, "an erasure", wait=False):
            removed |= _derived(home, ids)
    except BusyError:
        return removed
    erasure_done(home.log)
    return removed


def _derived(home: Home, ids: frozenset[str]) -> dict[str, int]:
    """Remove datasets with rows of the users, and Kubeflow runs that have such a dataset."""
    from training.dataset import datasets_with

    datasets = datasets_with(home.datasets, ids)
    for path in datasets:
        path.unlink()
    runs = [run for run in (home.root / "kubeflow").glob("*/*") if datasets_with(run, ids)]
    for run in runs:
        shutil.rmtree(run)
    return {"datasets": len(datasets), "runs": len(runs)}
