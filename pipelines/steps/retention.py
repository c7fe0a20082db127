"""Remove what a home no longer needs: its age is above the retention, and nothing uses it.

The rules, with the retention of `AISLE_RETENTION_DAYS` unless they say otherwise:

    run         folders, reports, cached steps and contenders of local Kubeflow runs
    quarantine  files of quarantined lines
    dataset     datasets but the last training's
    artifact    versions but the one in use, the one before it, and the newest of the others
    temporary   files and folders of killed processes, after a day

Ages are those of files, by the system's clock.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import (
    TEMPORARY,
    BusyError,
    Home,
    Settings,
    exclusive_training,
    locked,
)
from pipelines.declarations import DATASET
from training.artifacts import RANKER, former_version, target_of

_OF_RUNS = ("runs", "workspace", "reports", "cache", "contenders")
_DAY_SECONDS = 86_400.0
_OLD_TEMPORARY_DAYS = 1.0


@dataclass(frozen=True)
class Unneeded:
    """A file or folder that may be removed.

    Attributes:
        kind: name of the rule.
        age_days: since it was last written.
    """

    kind: str
    path: Path
    bytes: int
    age_days: float


@dataclass(frozen=True)
class RetentionReport:
    """The result of one run.

    Attributes:
        removed: what was removed, or would be.
        skipped: kinds that were left for the next run, because a training uses the home.
    """

    home: Home
    removed: tuple[Unneeded, ...]
    skipped: tuple[str, ...]
    is_dry: bool

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, with paths below the home."""
        return {
            "dry_run": self.is_dry,
            "removed": [
                {
                    "kind": one.kind,
                    "path": str(one.path.relative_to(self.home.root)),
                    "bytes": one.bytes,
                    "age_days": round(one.age_days, 1),
                }
                for one in self.removed
            ],
            "bytes": sum(one.bytes for one in self.removed),
            "skipped": list(self.skipped),
        }

    def counts(self) -> dict[str, int]:
        """Return how many of each kind were removed."""
        kinds = [one.kind for one in self.removed]
        return {kind: kinds.count(kind) for kind in sorted({*kinds})}


def remove_unneeded(settings: Settings, *, is_dry: bool = False) -> RetentionReport:
    """Remove what a home no longer needs; with `is_dry`, only list it."""
    home, days = settings.home, settings.retention_days
    removed: list[Unneeded] = []
    skipped: tuple[str, ...] = ()
    if home.root.exists():
        with locked(home.publish_lock):
            for rule in (_versions, _quarantined, _temporary):
                removed += _applied(rule, home, days, is_dry=is_dry)
        try:
            with exclusive_training(home, "a removal of old runs", wait=False):
                for rule in (_runs, _datasets):
                    removed += _applied(rule, home, days, is_dry=is_dry)
        except BusyError:
            skipped = ("run", "dataset")
    return RetentionReport(home, tuple(removed), skipped, is_dry)


_Rule = Callable[[Home, float], Iterator[Unneeded]]


def _applied(rule: _Rule, home: Home, days: float, *, is_dry: bool) -> list[Unneeded]:
    unneeded = list(rule(home, days))
    if is_dry:
        return unneeded
    for one in unneeded:
        if one.path.is_dir():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)
    return unneeded


def _versions(home: Home, days: float) -> Iterator[Unneeded]:
    for named in home.artifacts.glob("[!.]*/[!.]*"):
        kind, name = named.relative_to(home.artifacts).parts
        needed = {target_of(home.current / kind / name).name}
        if kind == RANKER:
            needed.add(former_version(home, name) or "")
        others = sorted(path for path in named.glob("[!.]*") if path.name not in needed)
        yield from _older("artifact", others[:-1], days)


def _quarantined(home: Home, days: float) -> Iterator[Unneeded]:
    for one in _older("quarantine", home.log.glob("quarantine/*.jsonl"), days):
        if not _is_locked(one.path):
            yield one


def _temporary(home: Home, _: float) -> Iterator[Unneeded]:
    unfinished = (*home.root.rglob(f"*{TEMPORARY}"), *home.artifacts.glob("*/*/.publishing-*"))
    yield from _older("temporary", unfinished, _OLD_TEMPORARY_DAYS)


def _runs(home: Home, days: float) -> Iterator[Unneeded]:
    kubeflow = home.root / "kubeflow"
    of_runs = (path for name in _OF_RUNS for path in kubeflow.glob(f"{name}/*"))
    yield from _older("run", of_runs, days)


def _datasets(home: Home, days: float) -> Iterator[Unneeded]:
    files = (path for path in home.datasets.rglob("*") if path.is_file())
    last = home.root / DATASET.path
    yield from _older("dataset", (path for path in files if path != last), days)


def _older(kind: str, paths: Iterable[Path], days: float) -> Iterator[Unneeded]:
    for path in paths:
        with suppress(FileNotFoundError):  # Its process removed it meanwhile.
            files = [path, *path.rglob("*")] if path.is_dir() else [path]
            states = [file.lstat() for file in files]
            age = (time.time() - max(state.st_mtime for state in states)) / _DAY_SECONDS
            if age > days:
                yield Unneeded(kind, path, sum(state.st_size for state in states), age)


def _is_locked(path: Path) -> bool:
    """Return whether a process holds a lock on the file it still writes."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
