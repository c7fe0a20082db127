"""Seals: instants after which nothing gets an earlier `received_at`; they number the parts.

`log/seals` holds one instant a line.  A line `dropped` undoes all before it, which a backfill
needs.  The number of lines only grows and names the segments, so that no segment is mistaken
for one of another time.
"""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY, LogError, replacing

DROPPED = "dropped"
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seals:
    """The explicit seals of a log, and the implicit one at the last microsecond of each UTC day.

    Attributes:
        instants: explicit seals in effect, ascending.
        version: how often the log was sealed, at any time; it never falls.
    """

    instants: tuple[int, ...] = ()
    version: int = 0

    @property
    def last(self) -> int:
        """The last explicit seal: what was seen up to it is sealed.  −1 before the first."""
        return self.instants[-1] if self.instants else -1

    def part_of(self, seen_at: int) -> int:
        """Number of seals, explicit and of days, before an instant: it never falls with time."""
        return seen_at // DAY + bisect_left(self.instants, seen_at)

    def parts_of(self, seen_at: Instants) -> Instants:
        """The same for N instants, shape (N,)."""
        return seen_at // DAY + np.searchsorted(np.array(self.instants, np.int64), seen_at)

    def sealed_at(self, instant: int, *, drop: bool = False) -> "Seals":
        """These and one more seal, or that one alone; the instant is moved after the last."""
        seal = max(instant, self.last + 1)
        if drop:
            return Seals((seal,), self.version + 2)
        return Seals((*self.instants, seal), self.version + 1)


def read_seals(path: Path) -> Seals:
    """Read `log/seals`; a log without the file was never sealed.

    Raises:
        LogError: a line is neither an instant nor `dropped`.
    """
    try:
        lines = path.read_text(encoding="ascii").split()
        dropped = max((n for n, line in enumerate(lines) if line == DROPPED), default=-1)
        return Seals(tuple(int(line) for line in lines[dropped + 1 :]), len(lines))
    except FileNotFoundError:
        return Seals()
    except ValueError as error:
        raise LogError(f"{path}: expected one instant a line: {error}.") from None


def write_seals(path: Path, before: Seals, after: Seals) -> None:
    """Write the seals `after`, which were made from `before` by `sealed_at`."""
    lines = path.read_text(encoding="ascii").split() if path.exists() else []
    if after.version == before.version + 2:
        lines.append(DROPPED)
    lines.append(str(after.last))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii")
