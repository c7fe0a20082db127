"""The versions of rankers: what they are, what they came from, and two of them compared."""

import json
from pathlib import Path
from typing import Any

from feature_repo.home import Home
from training.artifacts import (
    Version,
    find_version,
    list_versions,
    model_names,
    read_history,
    verify,
)
from training.evaluation import lineage
from training.gate import VERDICT

SHOWN_METRICS = ("ndcg@10", "recall@10", "mrr", "revenue@10")
"""Metrics of a model card that people compare."""

_SAME = "Both were measured on the same test rankings."
_DIFFERENT = "They were measured on different rankings: the figures do not tell which is better."


def list_models(home: Home) -> dict[str, Any]:
    """Return all stored versions, and the history of each ranker by its name."""
    names = model_names(home)
    return {
        "models": [describe_model(one) for name in names for one in list_versions(home, name)],
        "history": {name: [vars(one) for one in read_history(home, name)] for name in names},
    }


def show_model(home: Home, name: str, version: str) -> dict[str, Any]:
    """Return a version with its card, the verdict of the gate and its lineage.

    The card or the verdict is empty where the version was published without one.

    Raises:
        ArtifactError: unknown, or damaged.
    """
    one = find_version(home, name, version)
    verify(one.folder)
    return describe_model(one) | {
        "card": _card(one),
        "verdict": _read(one, VERDICT),
        "lineage": lineage(one),
    }


def compare_models(home: Home, name: str, versions: tuple[str, str]) -> dict[str, Any]:
    """Return two versions with their metrics, and what differs between what they read.

    Returns:
        `same_dataset` says whether the metrics are of the same rankings, `note` in words;
        `columns_only` has for
        each version the columns that the other does not read.

    Raises:
        ArtifactError: one is unknown.
    """
    first, second = (find_version(home, name, one) for one in versions)
    parents = [one.manifest.parents.get("dataset_sha256") for one in (first, second)]
    is_same = parents[0] is not None and parents[0] == parents[1]
    columns = [set(one.manifest.columns) for one in (first, second)]
    return {
        "versions": [describe_model(one) for one in (first, second)],
        "same_dataset": is_same,
        "note": _SAME if is_same else _DIFFERENT,
        "columns_only": [sorted(columns[0] - columns[1]), sorted(columns[1] - columns[0])],
    }


def describe_model(version: Version) -> dict[str, Any]:
    """Return a version as plain values."""
    return {
        "model": version.name,
        "version": version.version,
        "state": version.state,
        "reason": version.reason,
        "columns": len(version.manifest.columns),
        "metrics": _card(version).get("metrics", {}),
    }


def _card(version: Version) -> dict[str, Any]:
    """Return the model card of a version; empty for a ranker that was published without one."""
    return _read(version, "model_card.json")


def _read(version: Version, file: str) -> dict[str, Any]:
    """Read a JSON file of a version; empty where it has none."""
    path: Path = version.folder / file
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content
