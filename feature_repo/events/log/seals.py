"""Seals: instants after which no event gets an earlier `received_at`; they number the parts.

`log/seals` contains one instant a line, after a checksum. A line `dropped` cancels all lines before
it, which a backfill needs. The number of these lines, the log's version, only grows; it names the
segments, so no segment can be mistaken for one of another version.
"""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY, LogError, checked_text, replacing, with_checksum

DROPPED = "dropped"
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seals:
    """The explicit seals of a log and the implicit seal at the last microsecond of each UTC day.

    Attributes:
        instants: explicit seals in effect, ascending.
        version: number of lines of `log/seals`; it never decreases.
    """

    instants: tuple[int, ...] = ()
    version: int = 0

    @property
    def last(self) -> int:
        """The last explicit seal, −1 if there is none; all events up to it are sealed."""
        return self.instants[-1] if self.instants else -1

    def part_of(self, seen_at: int) -> int:
        """Return the number of seals before an instant, explicit and implicit."""
        return seen_at // DAY + bisect_left(self.instants, seen_at)

    def parts_of(self, seen_at: Instants) -> Instants:
        """Return the parts of N instants, shape (N,)."""
        return seen_at // DAY + np.searchsorted(np.array(self.instants, np.int64), seen_at)

    def sealed_at(self, instant: int, *, drop: bool = False) -> "Seals":
        """Add a seal later than the last one; with `drop`, only the new seal remains."""
        seal = max(instant, self.last + 1)
        if drop:
            return Seals((seal,), self.version + 2)
        return Seals((*self.instants, seal), self.version + 1)


def read_seals(path: Path) -> Seals:
    """Read `log/seals`; without the file the log was never sealed.

    Raises:
        LogError: the file changed, or a log that was sealed has none.
    """
    try:
        lines = checked_text(path.read_bytes()).split()
        dropped = max((n for n, line in enumerate(lines) if line == DROPPED), default=-1)
        return Seals(tuple(int(line) for line in lines[dropped + 1 :]), len(lines))
    except FileNotFoundError:
        if not (path.parent / "compacted").exists():
            return Seals()
        actual = "no file, and events that it sealed"
    except (OSError, ValueError) as error:
        actual = f"another text ({error})"
    raise LogError(
        f"{path}: expected one instant a line, found {actual}. Restore the file from a backup, or "
        "ingest the shop's events into a new home."
    )


def write_seals(path: Path, before: Seals, after: Seals) -> None:
    """Write the seals `after`, which `before.sealed_at` returned."""
    lines = checked_text(path.read_bytes()).split() if path.exists() else []
    if after.version == before.version + 2:
        lines.append(DROPPED)
    lines.append(str(after.last))
    with replacing(path) as temporary:
        temporary.write_bytes(with_checksum("\n".join(lines) + "\n"))
