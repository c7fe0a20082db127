"""What MLflow shows of one stored ranker."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.artifacts import Version
from training.evaluation import lineage

LONGEST_PARAMETER = 500
"""Characters of a parameter's value; older MLflow servers accept no more."""


@dataclass(frozen=True)
class RankerRun:
    """One stored ranker as a run.

    Attributes:
        started_at: ms since 1970 UTC, from the version's name.
        parameters: of the chosen configuration, as text.
        metrics: of the test rankings; of each also the ends of its 95 % interval.
        tags: name, version and the chain of what the ranker was made from.
        files: the ranker, its cards, its evaluation and the gate's verdict.
    """

    version: str
    started_at: int
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: tuple[Path, ...]

    @classmethod
    def of(cls, version: Version) -> "RankerRun":
        """Read the files of a version; one that was published without a card has no metrics."""
        card = _read(version.folder / "model_card.json")
        chosen = card.get("model", {}).get("chosen", {})
        made = datetime.strptime(version.version.partition("-")[0], "%Y%m%dT%H%M%SZ")
        links = {one["what"]: str(one["id"]) for one in lineage(version)}
        return cls(
            version=version.version,
            started_at=int(made.replace(tzinfo=UTC).timestamp() * 1000),
            parameters={name: text[:LONGEST_PARAMETER] for name, text in _flat(chosen)},
            metrics=dict(_metrics(card.get("metrics", {}))),
            tags={"ranker": version.name, "reason": version.reason}
            | {f"lineage.{what}": id_ for what, id_ in links.items()},
            files=tuple(sorted(path for path in version.folder.iterdir() if path.is_file())),
        )


def _metrics(intervals: Mapping[str, Mapping[str, float | None]]) -> Iterator[tuple[str, float]]:
    """Yield each metric and the ends of its interval; MLflow's names have no `@`."""
    for name, interval in intervals.items():
        for end, value in interval.items():
            if value is not None:
                suffix = "" if end == "value" else f"_{end}"
                yield name.replace("@", "_at_") + suffix, value


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, json.dumps(value)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content
