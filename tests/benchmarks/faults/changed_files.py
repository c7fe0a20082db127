"""Changed small files of the home: its registry, pointers, marks and keys."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from feature_repo.home import CHECKOUT, AisleError, Home, Settings
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import redis_client, running_redis
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from pipelines.doctor import examine
from pipelines.service.service_process import environment
from pipelines.steps import refresh
from tests.benchmarks.faults.changed_bytes import answers, changed, differences, online_values
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.served import serve
from tests.integration.http.small_shop import Service, run_service

CHANGES = 200
_SEED = 18
_SLATE = 20

DERIVED = (
    "registry.db",
    "log/index.db",
    "log/warnings.json",
    "clock.latest",
    "features/state",
    "feast/feature_store.yaml",
    "feast/definitions.py",
)
"""Files that a refresh writes again."""

_ELSEWHERE = ("nothing", "default/nothing", "../clock", "..")
"""Targets of links: nothing, a file or a folder of another kind."""

SOURCES = ("identity.json", "clock", "log/seals", "api_keys.json")
"""Files that derive from no others: nothing is done until they are restored."""


def change_files(service: Service) -> Measured:
    """Change the registry and other small files in rounds, until there were enough."""
    rng, home = random.Random(_SEED), service.home
    # The clock of a home is not to start anew.
    settings = replace(service.settings, clock=None)
    t = service.clock.now()
    before = _features(service, t)
    changes, problems = 0, list[str]()
    with _twin(service) as twin:
        while changes < CHANGES:
            for name in SOURCES:
                with _restored([home.root / name]):
                    _change(home.root / name, rng)
                    problems += _not_refused(settings, name)
                    problems += [] if answers(service) else [f"{name}: no answer"]
            links = sorted(home.current.glob("*/*"))
            with _restored(links):
                for path in (home.root / name for name in DERIVED):
                    if path.parent.is_dir():  # Else a problem was noted.
                        _change(path, rng)
                for link in links:
                    _repoint(link, rng.choice(_ELSEWHERE))
                _repoint(home.features, rng.choice([None, *_ELSEWHERE]))
                problems += _failed(settings, "doctor") + _failed(settings, "refresh")
                problems += _differing(service, twin)
            sys.stderr.write(f"{changes} changes: {problems}\n")
            if differences(before, _features(service, t)) != (0, 0):
                problems.append("other features after a refresh")
            changes += len(SOURCES) + len(DERIVED) + len(links) + 1
    problems += _start(settings, rng)
    distinct = sorted({*problems})
    return Measured(
        held=not problems,
        text=f"{changes} changes; "
        + (f"{len(problems)} problems: {'; '.join(distinct)}" if problems else "no problem"),
    )


@contextmanager
def _twin(service: Service) -> Iterator[Service]:
    """Run the service of an undamaged copy of the home."""
    root = service.home.root.with_name("twin")
    unshared = shutil.ignore_patterns("redis", "bentoml", "*.lock", "service.log")
    shutil.copytree(service.home.root, root, symlinks=True, ignore=unshared)
    settings = replace(service.settings, home=Home(root))
    with running_redis(settings):
        refresh(settings)
        with run_service(settings) as twin:
            yield twin


def _features(service: Service, t: int) -> dict[str, Any]:
    """Return every value that a process reads which opens the home now, as of an instant in µs."""
    home = service.home
    with redis_client(ensure_redis(service.settings), timeout=30) as client:
        return online_values(service, OnlineReader(home, Shop.load(home.shop_toml), client), t)


def _differing(service: Service, twin: Service) -> list[str]:
    """Return the features that one service serves with other values than another.

    Ages and their ratios change with time.  The twin is read before and after: what is the same in
    both of its answers was the same between them.
    """
    expected, served, again = (
        each.explain(service.items[:_SLATE], user=service.users[0])
        for each in (twin, service, twin)
    )
    if served.keys() != expected.keys():
        return ["other items served"]

    def column(answer: dict[str, Any], name: str) -> list[str]:
        """Values as text, because a missing value does not equal itself."""
        return [str(answer[item][name]) for item in expected]

    return [
        f"another {name} served"
        for name in next(iter(expected.values()))
        if column(expected, name) == column(again, name) != column(served, name)
    ]


@contextmanager
def _restored(paths: Sequence[Path]) -> Iterator[None]:
    """Write files and links as they were when the block ends."""
    links = {path: path.readlink() for path in paths if path.is_symlink()}
    files = {path: path.read_bytes() for path in paths if path.is_file() and path not in links}
    try:
        yield
    finally:
        for path in paths:
            _remove(path)
        for path, target in links.items():
            path.symlink_to(target)
        for path, content in files.items():
            path.write_bytes(content)


def _change(path: Path, rng: random.Random) -> None:
    """Change bytes in the file, as a defect of a disk does, or write another one."""
    content = path.read_bytes() if path.exists() else b"[]"
    kind = rng.choice(["bytes", "bytes", "empty", "random", "missing"])
    if kind == "missing" and path.exists():
        path.unlink()
    else:
        others = {"empty": b"", "random": rng.randbytes(100)}
        path.write_bytes(others.get(kind) or changed(content, rng) * (kind != "empty"))


def _repoint(link: Path, target: str | None) -> None:
    """Let a link point elsewhere, or be absent: a published artifact without one is withdrawn."""
    link.unlink(missing_ok=True)
    if target is not None:
        link.symlink_to(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _not_refused(settings: Settings, name: str) -> list[str]:
    """Return what is wrong: doctor and refresh must both name the changed file."""
    path = str(settings.home.root / name)
    findings = [
        one
        for one in examine(settings)
        if one.state == "bad" and (path in one.detail or one.subject == "owner")
    ]
    problems = [] if findings and all(one.fix for one in findings) else [f"{name}: no finding"]
    if name == "api_keys.json":
        return problems
    try:
        refresh(settings)
    except AisleError:
        return problems
    return [*problems, f"{name}: not refused"]


def run_aisle(settings: Settings, verb: str) -> "subprocess.CompletedProcess[str]":
    """Run a command for a home, to its end."""
    return subprocess.run(
        [Path(sys.executable).with_name("aisle"), verb],
        cwd=CHECKOUT,
        env=environment(settings, 0),
        capture_output=True,
        text=True,
        check=False,
    )


def _failed(settings: Settings, verb: str) -> list[str]:
    """Run a command; return what is wrong with its end."""
    ran = run_aisle(settings, verb)
    if "Traceback" in ran.stderr:
        return [f"traceback of `aisle {verb}`: {ran.stderr.splitlines()[-1]}"]
    return [] if ran.returncode == 0 or verb == "doctor" else [f"`aisle {verb}`: {ran.stderr}"]


def _start(settings: Settings, rng: random.Random) -> list[str]:
    """Start a service on a changed registry; return what is wrong with it."""
    _change(settings.home.registry, rng)
    with serve(settings) as served:
        return [] if served.answers_in_full() else ["`aisle serve` is degraded"]


FAULTS = (
    Fault(
        "registry changed",
        "Change the registry, pointers, marks, the index of the log, the clock, seals and keys: "
        "flipped bits, cut, empty, random and missing files, links to elsewhere",
        "the running service ranks with the features of an undamaged twin; `aisle doctor` and "
        "`aisle refresh` end in a sentence that names a file that nothing can derive; a refresh "
        "writes all others again; `aisle serve` starts on a changed registry",
        change_files,
        "tests/feature_repo/feast_repo/test_damaged_registry.py::"
        "test_a_changed_registry_is_written_again",
    ),
)
