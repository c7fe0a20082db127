"""Prometheus metrics of the service."""

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)

ANSWER_SECONDS = Histogram(
    "aisle_answer_seconds",
    "Time from the read body to the finished answer.",
    ["endpoint"],
    buckets=_SECONDS,
)
STAGE_SECONDS = Histogram(
    "aisle_stage_seconds", "Time of each stage of a ranking.", ["stage"], buckets=_SECONDS
)
DEGRADED = Counter("aisle_degraded", "Answers without this stage.", ["stage"])
ERRORS = Counter("aisle_refused", "Requests answered with an error.", ["status"])
IN_FLIGHT = Gauge(
    "aisle_in_flight", "Requests running or waiting.", ["kind"], multiprocess_mode="livesum"
)
EVENTS = Counter("aisle_events", "Events by outcome, and warnings about them.", ["outcome"])
LOST_ANSWERS = Counter("aisle_served_lost", "Answers that could not be logged as served.")
ARTIFACT_LOADS = Counter(
    "aisle_artifact_loads", "Artifacts loaded or rejected.", ["kind", "outcome"]
)
ONLINE_FEATURES_UP = Gauge(
    "aisle_live_state_up", "Whether live features can be read.", multiprocess_mode="livemin"
)
PENDING_EVENTS = Gauge(
    "aisle_pending_events",
    "Logged events that the live features lack, because Redis was lost or refused them.",
    multiprocess_mode="livesum",
)
CHANGED_ITEMS = Gauge(
    "aisle_changed_items",
    "Items that changed since the indexes in use were fitted.",
    multiprocess_mode="livemax",
)

CONTENT_TYPE = CONTENT_TYPE_LATEST


METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of prometheus_client: the folder of the files that processes share."""

_MEMORY, _PREFIX = Path("/dev/shm"), "aisle-metrics-"


def new_metrics_folder() -> Path:
    """Make a folder for the metrics of a service's processes, which is removed with this process.

    It is in memory where the system has such a folder: prometheus_client maps its files, and a
    process that writes to a mapped file of a full disk is killed.  Folders of killed processes are
    removed: a process locks its folder until it ends.
    """
    parent = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for other in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            os.close(_locked(other))
            shutil.rmtree(other)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    _locked(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _locked(folder: Path) -> int:
    """Lock a folder, and return its file descriptor.

    Raises:
        OSError: another process locks it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def exposition() -> bytes:
    """Return the metrics of all processes of the service in Prometheus' text format.

    Counts of killed processes stay, their gauges do not.
    """
    if METRICS_FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    for process in _processes_with_gauges():
        if not _runs(process):
            with suppress(FileNotFoundError):  # Another process removes them too.
                mark_process_dead(process)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _processes_with_gauges() -> set[int]:
    """Return the processes that have written gauges, whether they still run or not."""
    files = Path(os.environ[METRICS_FOLDER]).glob("gauge_live*.db")
    return {int(file.stem.rpartition("_")[2]) for file in files}


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
