"""What was decided on experiments: the service stops them, or gives a variant to everyone.

The home's `experiment_decisions.json` has one decision of each experiment.  It is not part of
`experiments.toml`, which people write.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from feature_repo.home import Home, SettingError, locked, replacing

DECISIONS_FILE = "experiment_decisions.json"


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision on one experiment.

    Attributes:
        outcome: stop treats nobody any more; ship gives `variant` to everyone.
        variant: name of the shipped one; empty otherwise.
        at: when it was decided, as text.
    """

    outcome: Literal["stop", "ship"]
    reason: str
    at: str
    variant: str = ""


def read_decisions(path: Path) -> dict[str, Decision]:
    """Return the decisions by experiment; without a file there are none.

    Raises:
        SettingError: the file is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Decision])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise SettingError(
            f"{path}: expected decisions on experiments: {error}. Remove the file, and decide "
            "again with `aisle experiment decide`."
        ) from None


def write_decisions(home: Home, changes: Mapping[str, Decision | None]) -> None:
    """Change some decisions; None lets an experiment run again.

    Raises:
        SettingError: the file is damaged.
    """
    path = home.root / DECISIONS_FILE
    with locked(home.publish_lock):
        decisions = {**read_decisions(path), **changes}
        remaining = {name: each for name, each in decisions.items() if each is not None}
        with replacing(path) as fresh:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(remaining), indent=1) + b"\n")
