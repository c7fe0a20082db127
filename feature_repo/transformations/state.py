"""What a run's features were made of, so that the next run knows what is new.

Features follow from the log, its seals, the shop's fields, the SQL and its constants.  Where files
of the log and seals were only added to, whatever is new was seen after the last seal of then.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from feature_repo.events.log import Seals, list_relations, part_of, read_seals
from feature_repo.home import Home, replacing

FILE = "state"
EVERYTHING = -1
"""Seen after it is every event there is."""


class Inputs(msgspec.Struct, frozen=True):
    """What features follow from.

    Attributes:
        rules: digest of the shop's fields, the SQL and its constants.
        seals: explicit seals in effect, ascending.
        log: file of the compacted log, below its folder → its size and when it was written, ns.
    """

    rules: str
    seals: tuple[int, ...]
    log: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, home: Home, rules: Iterable[bytes]) -> "Inputs":
        """What there is now."""
        folder, digest = home.log / "compacted", hashlib.sha256()
        for rule in rules:
            digest.update(rule)
        log = {}
        for path in list_relations(folder):
            about = path.stat()
            log[str(path.relative_to(folder))] = (about.st_size, about.st_mtime_ns)
        return cls(digest.hexdigest(), read_seals(home.log / "seals").instants, log)

    @property
    def last_seal(self) -> int:
        """−1 before the first."""
        return Seals(self.seals).last

    def new_since(self, before: "Inputs") -> set[str]:
        """The files that were not there before."""
        return self.log.keys() - before.log.keys()

    def follows(self, before: "Inputs") -> bool:
        """Whether all that differs was seen after the last seal of before."""
        border = Seals(self.seals).part_of(before.last_seal)
        return (
            self.rules == before.rules
            and self.seals[: len(before.seals)] == before.seals
            and before.log.items() <= self.log.items()
            and all(part_of(Path(name)) > border for name in self.new_since(before))
        )


class State(msgspec.Struct, frozen=True):
    """One generation of features.

    Attributes:
        inputs: what it was made of.
        latest: when the last event in it was seen, µs; None where there is none.
        files: its Parquet files, below its folder → bytes.
    """

    inputs: Inputs
    latest: int | None
    files: dict[str, int]

    @classmethod
    def read(cls, features: Path) -> "State | None":
        """The state of a generation; None where it is not whole, or there is none."""
        try:
            state = msgspec.json.decode((features / FILE).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None
        return state if state.files == files_of(features) else None

    def write(self, features: Path) -> None:
        """Write it beside the files."""
        with replacing(features / FILE) as fresh:
            fresh.write_bytes(msgspec.json.encode(self))


def files_of(features: Path) -> dict[str, int]:
    """The Parquet files below a folder, and their sizes."""
    return {
        str(path.relative_to(features)): path.stat().st_size
        for path in sorted(features.rglob("*.parquet"))
    }
