"""The decisions and rewards of a bandit's arms, by age in days: its only input."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from feature_repo.home import RedisError
from feature_repo.online.codec import counter_tiles
from feature_repo.online.redis import LiveKeys, arguments, command
from feature_repo.views import ARM_ENGAGEMENT, WINDOWS

AGES = max(days for days in WINDOWS.values() if days is not None)
"""Days, today included, of which a tile has the counts; those of earlier days are one sum."""

_WINDOWS: tuple[int | None, ...] = (*range(1, AGES + 1), None)

ArmCounts = npt.NDArray[np.int64]
"""Shape (N, 2, AGES + 1): of N arms the decisions and the rewards, of today, of the day before, and
so on; last those of all earlier days.  Days are those of the event times, UTC."""

_logger = logging.getLogger(__name__)


def counts_of(tiles: Sequence[bytes | None], t: int) -> ArmCounts:
    """Return the counts in N tiles as of an instant, µs; a missing or damaged tile has none."""
    counts = counter_tiles.count(tiles, t, _WINDOWS, measures=len(ARM_ENGAGEMENT.measures))
    if counts.damaged.any():
        _logger.error("%d tiles of %s cannot be read", counts.damaged.sum(), ARM_ENGAGEMENT.name)
    return np.diff(counts.values, axis=2, prepend=0)


def arm_tiles(keys: LiveKeys, arm_keys: Sequence[str]) -> list[bytes]:
    """Return the keys of the tiles of N arms."""
    return [keys.tile(ARM_ENGAGEMENT.name, key).encode() for key in arm_keys]


@dataclass
class ArmRead:
    """One read of N arms by the asynchronous client, an `Exchange`.

    Attributes:
        t: instant of the read, µs.
        commands: in the Redis protocol.
        reply_count: number of replies to them.
    """

    t: int
    commands: bytes
    reply_count: int = 1

    @classmethod
    def of(cls, tiles: Sequence[bytes], t: int) -> "ArmRead":
        """Return the read of tiles as of an instant."""
        return cls(t, command(1 + len(tiles), arguments(b"MGET", *tiles)))

    def while_waiting(self) -> None:
        """Do nothing: all depends on the reply."""

    def parse(self, replies: Sequence[Any]) -> ArmCounts:
        """Return the counts.

        Raises:
            RedisError: the reply is an error.
        """
        (reply,) = replies
        if isinstance(reply, Exception):
            raise RedisError(f"Redis does not answer: {reply}.")
        return counts_of(cast("list[bytes | None]", reply), self.t)
