"""Count the looks at the test rankings of a log.

Whoever looks often finds something by chance, so each look makes the next figure worth less.  A log
has one count: a new dataset of the same log is a further look, and the same ranker on the same
dataset is the same look.  The looks are a file of the home, which outlives its datasets.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import ArtifactError, Home, locked, replacing, to_text
from training.artifacts import sha256
from training.dataset import Dataset
from training.ranker import instants_of


@dataclass(frozen=True)
class Look:
    """One measurement on test rankings.

    Attributes:
        model: hash of the ranker, and what distinguishes it from others of the same hash.
        dataset: hash of the dataset.
        first, last: instants of the oldest and newest test ranking, ISO 8601, UTC.
    """

    model: str
    dataset: str
    first: str
    last: str


def count_look(home: Home, model: str, dataset: Path, test: Dataset) -> dict[str, int]:
    """Note a look before it happens, unless it has been noted before.

    Args:
        home: whose log the dataset was built from.
        model: see `Look`.
        dataset: file that contains the test rankings.
        test: their rows.

    Returns:
        `number` of this look at the log, from 1, and how many `overlapping` ones came before it,
        which saw some of the same time.

    Raises:
        ArtifactError: the file of the looks is damaged.
    """
    instants = instants_of(test)
    ends = (to_text(int(instants.min())), to_text(int(instants.max())))
    look = Look(model, sha256(dataset), *ends)
    with locked(home.publish_lock):
        looks = read_looks(home)
        if look not in looks:
            _append(home.looks, look)
            looks.append(look)
    earlier = looks[: looks.index(look)]
    overlapping = [one for one in earlier if one.first <= look.last and look.first <= one.last]
    return {"number": len(earlier) + 1, "overlapping": len(overlapping)}


def read_looks(home: Home) -> list[Look]:
    """Return the looks at a log, the oldest first.

    Raises:
        ArtifactError: their file is damaged.
    """
    try:
        lines = home.looks.read_text().splitlines() if home.looks.exists() else []
        return [Look(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{home.looks}: expected a look at the test rankings a line, found something else "
            f"({error}). Restore the file; or remove it, and with it the count."
        ) from None


def looks_note(evaluation: Mapping[str, Any]) -> str | None:
    """Return in words how often the test rankings were looked at; None where nobody counted."""
    looks = evaluation.get("looks")
    if looks is None:
        return None
    overlapping = looks["overlapping"]
    worth = (
        f"{overlapping} earlier ones saw rankings of the same time, so the figures are worth less"
        if overlapping
        else "none before saw rankings of the same time"
    )
    return f"Look {looks['number']} at the test rankings of this log; {worth}."


def _append(path: Path, look: Look) -> None:
    before = path.read_bytes() if path.exists() else b""
    with replacing(path) as fresh:
        fresh.write_bytes(before + json.dumps(asdict(look)).encode() + b"\n")
