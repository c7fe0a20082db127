"""The inputs of a run's features; the next run compares them to find the new events.

Features depend on the log, its seals, the shop's fields, the views and their SQL.  If files and
seals were only added, all new events were seen after the last seal of that run.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from feature_repo.events.log import Seals, list_relations, part_of, read_seals
from feature_repo.home import Home, checksum, replacing, to_text

FILE = "state"
EVERYTHING = -1
"""An instant before every event."""


class Inputs(msgspec.Struct, frozen=True):
    """The inputs of features.

    Attributes:
        rules: digest of the shop's fields, the views, the SQL and its constants.
        seals: explicit seals in effect, ascending.
        log: relative path of each file of the compacted log → its size and modification time, ns.
    """

    rules: str
    seals: tuple[int, ...]
    log: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, home: Home, rules: Iterable[bytes]) -> "Inputs":
        """Read the present inputs."""
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
        """The last seal; −1 before the first."""
        return Seals(self.seals).last

    def new_since(self, before: "Inputs") -> set[str]:
        """Return the files that earlier inputs lack."""
        return self.log.keys() - before.log.keys()

    def follows(self, before: "Inputs") -> bool:
        """Return whether all new events were seen after the last seal of earlier inputs."""
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
        inputs: of its run.
        latest: when its newest event was seen, µs; None without events.
        files: relative path of each Parquet file → bytes, CRC-32.
    """

    inputs: Inputs
    latest: int | None
    files: dict[str, tuple[int, int]]

    @classmethod
    def read(cls, features: Path) -> "State | None":
        """Read the state of a generation; None if it is absent, incomplete or damaged."""
        try:
            state = msgspec.json.decode((features / FILE).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None
        return state if state.files == files_of(features) else None

    @property
    def origin(self) -> dict[str, str]:
        """What the features came from: their definitions, the log's files, the newest event."""
        sizes = sorted((path, size) for path, (size, _) in self.inputs.log.items())
        return {
            "definitions_sha256": self.inputs.rules,
            "log_sha256": hashlib.sha256(msgspec.json.encode(sizes)).hexdigest(),
            "log_files": str(len(sizes)),
            "newest_event": "" if self.latest is None else to_text(self.latest),
        }

    def write(self, features: Path) -> None:
        """Write the state into the folder of the files."""
        with replacing(features / FILE) as fresh:
            fresh.write_bytes(msgspec.json.encode(self))


def files_of(features: Path) -> dict[str, tuple[int, int]]:
    """Return the Parquet files below a folder, each with its size and its CRC-32."""
    return {
        str(path.relative_to(features)): (path.stat().st_size, checksum(path))
        for path in sorted(features.rglob("*.parquet"))
    }
