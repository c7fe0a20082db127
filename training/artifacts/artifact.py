"""Learned artifacts: folders with a manifest, verified before anything in them is loaded.

A build folder becomes <kind>/<name>/<version>/ by copy, fsync and rename; `current/<kind>/<name>`
is a link that is swapped in one step, so a reader sees the old artifact or the new one.  All who
publish into a home take its publish lock, and names of unfinished work are random: containers that
share a home may have equal process ids.
"""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feature_repo.home import ArtifactError, Home, locked

MANIFEST = "manifest.json"
_UNFINISHED = ".publishing-"
RANKER, POPULARITY = "ranker", "popularity"
"""Kinds of the artifacts that rank; a service is ready once it has loaded one of them."""

SHADOW_MODEL = "shadow"
"""Name of the ranker that scores answers of the default one, which nobody sees."""


@dataclass(frozen=True)
class Manifest:
    """The manifest of an artifact.

    Attributes:
        kind, name: for example ranker and default.
        files: sha256 of every other file, by path inside the folder.
        columns: feature columns in the order that the model reads; empty if it reads none.
        feature_service: name of the feature service it was trained on, and a hash of its columns.
        query_key_version: version of the function that computed its query keys.
        parents: input name, such as data or code → hash.
        metrics: measured figures.
    """

    kind: str
    name: str
    files: dict[str, str]
    columns: tuple[str, ...] = ()
    feature_service: dict[str, str] = field(default_factory=dict)
    query_key_version: int | None = None
    parents: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Serialize as canonical JSON: equal manifests have equal bytes."""
        return (json.dumps(asdict(self), sort_keys=True, indent=1) + "\n").encode()


def publish(
    home: Home, kind: str, name: str, build_folder: Path, manifest_extra: Mapping[str, Any]
) -> str:
    """Copy a build folder under its version, verify it, and point `current` at it.

    Returns:
        The version: UTC stamp, then 8 hex digits of the manifest's hash.

    Raises:
        ArtifactError: the folder is absent, or holds no file.
    """
    with locked(home.publish_lock):
        version = store(home, kind, name, build_folder, manifest_extra)
        point(home, kind, name, version)
    return version


def store(
    home: Home, kind: str, name: str, build_folder: Path, manifest_extra: Mapping[str, Any]
) -> str:
    """Copy a build folder under its version, and return the version, which is not yet in use.

    The caller holds the home's publish lock.

    Raises:
        ArtifactError: the folder is absent, or holds no file.
    """
    if not build_folder.is_dir():
        raise ArtifactError(f"{build_folder}: expected a folder to publish, found none.")
    versions_folder = home.artifacts / kind / name
    versions_folder.mkdir(parents=True, exist_ok=True)
    for left_over in versions_folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left_over)
    build = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=versions_folder))
    shutil.copytree(
        build_folder, build, ignore=shutil.ignore_patterns(MANIFEST), dirs_exist_ok=True
    )
    written = Manifest(kind, name, _hashes(build), **manifest_extra).to_bytes()
    if not _hashes(build):
        raise ArtifactError(f"{build_folder} is empty; there is nothing to publish.")
    (build / MANIFEST).write_bytes(written)
    _sync(build)
    version = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{hashlib.sha256(written).hexdigest()[:8]}"
    _move(build, versions_folder / version)
    return version


def point(home: Home, kind: str, name: str, version: str) -> None:
    """Put a stored version in use.  The caller holds the home's publish lock."""
    link = home.current / kind / name
    link.parent.mkdir(parents=True, exist_ok=True)
    new_link = link.with_name(f".{link.name}-{secrets.token_hex(8)}")
    new_link.symlink_to(os.path.relpath(home.artifacts / kind / name / version, link.parent))
    new_link.replace(link)


def prune(home: Home, kind: str, name: str, keep: int) -> None:
    """Remove all versions but the newest `keep` and the one in use."""
    link = home.current / kind / name
    with locked(home.publish_lock):
        used = link.resolve().name if link.exists() else None
        versions = sorted(path for path in (home.artifacts / kind / name).glob("[!.]*"))
        for folder in versions[:-keep]:
            if folder.name != used:
                shutil.rmtree(folder)


def current(home: Home, kind: str, name: str) -> Path:
    """Return the folder of the artifact in use, which is not verified.

    Raises:
        ArtifactError: none was published.
    """
    link = home.current / kind / name
    if not link.exists():
        raise ArtifactError(f"No {kind} {name!r} is published in {home.root}; run `aisle train`.")
    return link.resolve()


def target_of(link: Path) -> Path:
    """Return the folder to which a link points, which may be absent; the link if it is a circle."""
    try:
        return link.resolve()
    except (OSError, RuntimeError):
        return link


def is_published(home: Home, kind: str) -> bool:
    """Return whether any artifact of a kind is published, intact or not."""
    return any((home.current / kind).glob("[!.]*"))


def load_manifest(folder: Path) -> Manifest:
    """Read a manifest without checking the files.

    Raises:
        ArtifactError: absent or damaged.
    """
    path = folder / MANIFEST
    try:
        table = json.loads(path.read_bytes())
        return Manifest(**{**table, "columns": tuple(table["columns"])})
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; publish the artifact again.") from None
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read ({error.strerror}); publish the artifact again."
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); publish the artifact again.") from None


def verify(folder: Path, kind: str | None = None, name: str | None = None) -> Manifest:
    """Check version, files and their hashes against the manifest.

    Args:
        folder: of the artifact, or a link to it.
        kind: that the artifact must have; None for any.
        name: that the artifact must have; None for any.

    Raises:
        ArtifactError: lists the files that differ, are missing or are not in the manifest, or says
            which artifact was found in place of the expected one.
    """
    folder = target_of(folder)
    manifest = load_manifest(folder)
    expected = (kind or manifest.kind, name or manifest.name)
    if (manifest.kind, manifest.name) != expected:
        raise ArtifactError(
            f"{folder}: expected {expected[0]} {expected[1]!r}, found {manifest.kind} "
            f"{manifest.name!r}; the link of {expected[0]} {expected[1]!r} in `current` points to "
            "the wrong folder. Publish the artifact again."
        )
    stamp = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:8]
    if folder.name.rpartition("-")[2] != stamp:
        raise ArtifactError(
            f"{folder}: expected a manifest with hash {folder.name.rpartition('-')[2]}, "
            f"found {stamp}; publish the artifact again."
        )
    _compare(folder, manifest.files, _hashes(folder))
    return manifest


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    actual = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256(path) for name, path in actual.items() if name != MANIFEST}


def _compare(folder: Path, expected: dict[str, str], actual: dict[str, str]) -> None:
    differences = {
        "missing": sorted(expected.keys() - actual.keys()),
        "not in the manifest": sorted(actual.keys() - expected.keys()),
        "changed": sorted(n for n in expected.keys() & actual.keys() if expected[n] != actual[n]),
    }
    differing = "; ".join(
        f"{what}: {', '.join(names)}" for what, names in differences.items() if names
    )
    if differing:
        raise ArtifactError(
            f"{folder} differs from what was published: {differing}.  Publish it again."
        )


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _move(build: Path, target: Path) -> None:
    """Rename the build to its version; do nothing if that version exists."""
    if target.exists():
        shutil.rmtree(build)
        return
    build.rename(target)
    _sync(target)
