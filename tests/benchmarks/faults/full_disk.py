"""A full disk: the home is on a small file system."""

import shutil
import subprocess
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from feature_repo.home import Clock, Home
from tests.benchmarks.faults.changed_files import run_aisle
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.served import Served, serve
from tests.integration.http.small_shop import Service

FREE_MB = 24
"""Space that Redis, the log and a refresh have before the disk is full."""

ROUNDS = 100

_EXPECTED = {"/rank 200", "/search 200", "/metrics 200", "/events 200", "/events 503"}


def fill_disk(service: Service) -> Measured:
    """Serve a home on a file system of its own, and fill it."""
    with _small_file_system(service.home) as folder:
        if folder is None:
            return Measured(True, "not run: this machine permits no mounts")
        root = folder / "home"
        unshared = shutil.ignore_patterns("redis", "bentoml", "*.lock", "service.log")
        shutil.copytree(service.home.root, root, symlinks=True, ignore=unshared)
        settings = replace(service.settings, home=Home(root))
        with serve(settings) as served:
            return _measured(service, served, folder)


def _measured(service: Service, served: Served, folder: Path) -> Measured:
    item, statuses = service.items[0], Counter[str]()
    processes, before = _processes(served), _clicks(served, item)
    with _full(folder):
        for _ in range(ROUNDS):
            statuses.update(_round(served, item))
        ended = {verb: run_aisle(served.settings, verb) for verb in ("doctor", "refresh")}
        lost = processes - _processes(served)
    seconds = served.seconds_until_back()
    statuses.update(after := Counter(_round(served, item)))
    acknowledged = statuses["/events 200"]
    counted = service.eventually(lambda: _clicks(served, item) - before == acknowledged)
    tracebacks = [verb for verb, ran in ended.items() if "Traceback" in ran.stderr]
    return Measured(
        held={*statuses} <= _EXPECTED
        and statuses["/events 503"] > 0
        and after["/events 200"] == 1
        and bool(counted)
        and not (lost or tracebacks),
        text=f"{', '.join(f'{n} × {what}' for what, n in sorted(statuses.items()))}; "
        f"{len(lost)} processes ended; tracebacks: {', '.join(tracebacks) or 'none'}; answered in "
        f"full {seconds:.1f} s after there was space; {acknowledged} acknowledged events, "
        f"{'all counted' if counted else 'not all counted'}",
    )


def _round(served: Served, item: str) -> Iterator[str]:
    """Yield path and status of one request of each kind."""
    event = {
        "kind": "interaction",
        "type": "click",
        "item_id": item,
        "event_id": uuid.uuid4().hex,
        "event_time": Clock.of(served.settings).now(),
    }
    bodies = {"/rank": {"items": [{"id": item}]}, "/search": {"query": "red"}, "/events": event}
    for name, body in bodies.items():
        answer = served.http.post("/rank/default" if name == "/rank" else name, json=body)
        retry = answer.headers.get("retry-after") if answer.status_code == 503 else "1"
        yield f"{name} {answer.status_code}{'' if retry else ' without Retry-After'}"
    yield f"/metrics {served.http.get('/metrics').status_code}"


def _clicks(served: Served, item: str) -> float:
    answer = served.http.post(
        "/rank/default", json={"items": [{"id": item}]}, params={"explain": "1"}
    )
    return float(answer.json()["items"][0]["features"]["item_engagement__clicks_all"])


def _processes(served: Served) -> set[int]:
    return {one.pid for one in psutil.Process(served.process.pid).children(recursive=True)}


@contextmanager
def _small_file_system(home: Home) -> Iterator[Path | None]:
    """Mount a file system in memory with little space; None where that is not permitted."""
    size = sum(path.stat().st_size for path in home.root.rglob("*") if path.is_file()) >> 20
    with tempfile.TemporaryDirectory() as folder:
        options = f"size={size + FREE_MB}m,mode=0700"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Fill a file system to the last byte."""
    filling = folder / "filling"
    try:
        with filling.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
        yield
    finally:
        filling.unlink()


FAULTS = (
    Fault(
        "disk full",
        "Serve a home, with its Redis, on a small file system, and fill that to the last byte",
        "only `/events` fails, with 503 and Retry-After; rankings, searches and metrics are "
        "answered with 200; no process ends; `aisle doctor` and `aisle refresh` end in a sentence; "
        "with space again everything works without a restart, and each acknowledged event counts",
        fill_disk,
        "tests/integration/http/test_http_recovery.py::"
        "test_an_unwritable_log_is_503_with_retry_after",
    ),
)
