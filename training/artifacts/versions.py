"""The versions of a ranker: which is in use, which were, and how that changed.

Each change is a line of `.history.jsonl` beside the versions.  It is written after the link has
moved, so a history may lack the last change of a killed process: the link decides what is in use.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from feature_repo.home import ArtifactError, Home, did_you_mean, locked, replacing
from training.artifacts.artifact import (
    RANKER,
    Manifest,
    load_manifest,
    point,
    store,
    verify,
)

State = Literal["in use", "former", "rejected", "retired"]
Action = Literal["publish", "reject", "promote", "roll back", "retire"]
CURRENT = "current"
"""Stands for the version in use."""

_HISTORY = ".history.jsonl"

_logger = logging.getLogger(__name__)
_TO_USE: frozenset[Action] = frozenset({"publish", "promote", "roll back"})


@dataclass(frozen=True)
class Change:
    """One change of a ranker's versions.

    Attributes:
        at: time of the system's clock, ISO 8601, UTC.
        reason: of the gate or of the person, in a sentence.
        run: id of the pipeline run that did it; empty by hand.
    """

    at: str
    action: Action
    version: str
    reason: str
    run: str = ""


@dataclass(frozen=True)
class Version:
    """One stored version of a ranker.

    Attributes:
        state: `rejected` by the gate, or `retired` by a person, unless it was in use since.
        reason: of its last change.
        run: id of the pipeline run that stored it; empty by hand.
    """

    name: str
    version: str
    state: State
    reason: str
    run: str
    folder: Path
    manifest: Manifest


def publish_version(
    home: Home,
    name: str,
    build: Path,
    extra: Mapping[str, Any],
    *,
    reason: str,
    use: bool,
    run: str = "",
) -> str:
    """Store a ranker, and put it in use unless it was rejected; return its version.

    Raises:
        ArtifactError: as `publish`.
    """
    with locked(home.publish_lock):
        version = store(home, RANKER, name, build, extra)
        if use:
            point(home, RANKER, name, version)
        _record(home, name, "publish" if use else "reject", version, reason, run)
    return version


def promote(home: Home, name: str, version: str, reason: str) -> Version:
    """Put a stored version in use.

    Raises:
        ArtifactError: unknown, damaged or retired.
    """
    with locked(home.publish_lock):
        return _use(home, find_version(home, name, version), "promote", reason)


def roll_back(home: Home, name: str, reason: str) -> Version:
    """Put the version in use that was in use before the present one; return it.

    A second call goes one version further back.

    Raises:
        ArtifactError: there is none, or it is damaged.
    """
    with locked(home.publish_lock):
        version = former_version(home, name)
        if version is None:
            raise ArtifactError(
                f"No version of ranker {name!r} was in use before the present one; "
                "`aisle models list` shows what can be promoted."
            )
        return _use(home, find_version(home, name, version), "roll back", reason)


def retire(home: Home, name: str, version: str, reason: str) -> Version:
    """Mark a version as one that is never used again; `aisle gc` removes it in time.

    Raises:
        ArtifactError: unknown, or in use.
    """
    with locked(home.publish_lock):
        one = find_version(home, name, version)
        if one.state == "in use":
            raise ArtifactError(
                f"{one.version} is in use; promote another version, or roll back, first."
            )
        _record(home, name, "retire", one.version, reason)
    return find_version(home, name, one.version)


def list_versions(home: Home, name: str) -> list[Version]:
    """Return the stored versions of a ranker, the newest first.

    One with a damaged manifest is logged and left out: it must not prevent a roll back.

    Raises:
        ArtifactError: the history is damaged.
    """
    folders = sorted((home.artifacts / RANKER / name).glob("[!.]*"), reverse=True)
    used, changes = _in_use(home, name), _changes_by_version(home, name)
    versions = []
    for folder in folders:
        try:
            versions.append(_version(name, folder, used, changes.get(folder.name, [])))
        except ArtifactError as error:
            _logger.error("%s", error)
    return versions


def model_names(home: Home) -> list[str]:
    """Return the names of the rankers that have a version."""
    return sorted(path.name for path in (home.artifacts / RANKER).glob("[!.]*"))


def find_version(home: Home, name: str, version: str) -> Version:
    """Return a version by its name, by an unambiguous part of it, or by `current`.

    Raises:
        ArtifactError: none, or several.
    """
    versions = list_versions(home, name)
    if version == CURRENT:
        matching = [one for one in versions if one.state == "in use"]
    else:
        matching = [one for one in versions if version in one.version]
    if len(matching) == 1:
        return matching[0]
    available = [one.version for one in versions]
    hint = did_you_mean(version, available) or "`aisle models list` shows them."
    raise ArtifactError(
        f"Ranker {name!r}: expected one version that contains {version!r}, found "
        f"{len(matching)} among {len(available)}; {hint}"
    )


def former_version(home: Home, name: str) -> str | None:
    """Return the version that a roll back would put in use; None without one."""
    used, present = _used_before(read_history(home, name)), _in_use(home, name)
    if present in used:
        del used[len(used) - 1 - used[::-1].index(present) :]
    versions = {one.version: one.state for one in list_versions(home, name)}
    usable = [one for one in used if one != present and versions.get(one, "retired") != "retired"]
    return usable[-1] if usable else None


def read_history(home: Home, name: str) -> list[Change]:
    """Return the changes of a ranker's versions, the oldest first.

    Raises:
        ArtifactError: their file is damaged.
    """
    path = home.artifacts / RANKER / name / _HISTORY
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [Change(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path}: expected a change of a version a line, found something else ({error}). "
            "Restore the file; or remove it, and with it the order in which versions were in use."
        ) from None


def _used_before(history: Iterable[Change]) -> list[str]:
    """Return the versions in the order of their use; a roll back undoes the uses since."""
    used: list[str] = []
    for change in history:
        if change.action == "roll back" and change.version in used:
            while used[-1] != change.version:
                used.pop()
        elif change.action in _TO_USE:
            used.append(change.version)
    return used


def _use(home: Home, version: Version, action: Action, reason: str) -> Version:
    if version.state == "retired":
        raise ArtifactError(f"{version.version} is retired: {version.reason}")
    verify(version.folder, RANKER, version.name)
    point(home, RANKER, version.name, version.version)
    _record(home, version.name, action, version.version, reason)
    return find_version(home, version.name, version.version)


def _changes_by_version(home: Home, name: str) -> dict[str, list[Change]]:
    changes: dict[str, list[Change]] = {}
    for change in read_history(home, name):
        changes.setdefault(change.version, []).append(change)
    return changes


def _version(name: str, folder: Path, used: str | None, changes: list[Change]) -> Version:
    """Return a stored version; a killed process may have left it without a change."""
    last = changes[-1] if changes else None
    state: State = "former"
    if folder.name == used:
        state = "in use"
    elif last is not None and last.action == "reject":
        state = "rejected"
    elif last is not None and last.action == "retire":
        state = "retired"
    reason, run = (last.reason, changes[0].run) if last else ("", "")
    return Version(name, folder.name, state, reason, run, folder, load_manifest(folder))


def _in_use(home: Home, name: str) -> str | None:
    link = home.current / RANKER / name
    return link.resolve().name if link.exists() else None


def _record(
    home: Home, name: str, action: Action, version: str, reason: str, run: str = ""
) -> None:
    change = Change(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", action, version, reason, run)
    path = home.artifacts / RANKER / name / _HISTORY
    before = path.read_bytes() if path.exists() else b""
    with replacing(path) as fresh:
        fresh.write_bytes(before + json.dumps(asdict(change)).encode() + b"\n")
