"""The clock of a home: the system clock plus an offset that the home's first use fixes.

`AISLE_CLOCK=2021-11-15T17:00:00Z` serves historical events as if they had just happened. The offset
is stored in the home and applies to all its processes.

The clock never returns to an instant that the log gave to an event or a seal.  Where the system
clock went back, or was ahead before, the home's clock advances by one microsecond a call, in all
processes together, until the system clock has caught up.  So a request sees every event that was
acknowledged before it, and no event falls behind a seal.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from feature_repo.home.atomic_files import checked_text, create_once, with_checksum
from feature_repo.home.errors import SettingError
from feature_repo.home.home import Home
from feature_repo.home.instants import MINUTE, SECOND, parse_instant, to_text
from feature_repo.home.latest_instant import LatestInstant
from feature_repo.home.settings import Settings

_logger = logging.getLogger(__name__)

CLOCK_ADVICE = (
    "Set the system's clock right; no event is lost. The home's clock waits until the system's has "
    "caught up; if that takes too long, ingest the shop's events into a new home."
)


JUMP = MINUTE
"""A system clock that gains more than this between two calls has jumped, µs."""


def _system_now() -> int:
    return time.time_ns() // 1000


@dataclass
class Clock:
    """Returns instants in microseconds since 1970 UTC, strictly increasing within one process.

    Attributes:
        offset: µs that the home is ahead of the system clock.
        latest: the newest instant of the home's log; None without a home.
        system_now: returns the system clock's instant, µs.
    """

    offset: int = 0
    latest: LatestInstant | None = field(default=None, repr=False, compare=False)
    system_now: Callable[[], int] = field(default=_system_now, repr=False, compare=False)
    _last: int = 0
    _is_behind: bool = False
    _lead: int | None = None
    """µs that the system clock was ahead of the monotonic clock at the last call."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Clock":
        """Return the home's clock; the first call for a home fixes its offset."""
        home = settings.home
        offset = _stored_offset(home)
        if offset is None:
            offset = _store(home, _initial_offset(settings))
        return cls(offset, LatestInstant.of(home))

    @staticmethod
    def is_set(home: Home) -> bool:
        """Return whether the home's offset is fixed."""
        return home.clock.exists()

    @property
    def behind(self) -> int:
        """µs that the system clock is behind the newest instant of the home; 0 if it is not."""
        return max(self._newest() - self._system(), 0)

    def now(self) -> int:
        """Return the current instant."""
        with self._lock:
            system, newest = self._system(), self._newest()
            self._last = max(system, newest + 1)
            if self.latest is not None and self.latest.read() >= system:
                self.latest.advance(self._last)
            self._report(newest - system)
            self._report_jump(system, newest)
            return self._last

    def advance(self, instant: int) -> None:
        """Return only later instants from now on, in every process of the home."""
        with self._lock:
            self._last = max(self._last, instant)
            if self.latest is not None:
                self.latest.advance(instant)

    def _system(self) -> int:
        return self.system_now() + self.offset

    def _newest(self) -> int:
        return self._last if self.latest is None else max(self._last, self.latest.read())

    def _report(self, behind: int) -> None:
        """Log once when the system clock falls behind, by more than calls in quick succession."""
        if self._is_behind != (behind > SECOND):
            self._is_behind = not self._is_behind
            if self._is_behind:
                _logger.warning(
                    "the system's clock is %d s behind the home's newest event or seal, %s. %s",
                    behind // SECOND,
                    to_text(self._last),
                    CLOCK_ADVICE,
                )
            else:
                _logger.warning("the system's clock has caught up with the home's newest instant")

    def _report_jump(self, system: int, newest: int) -> None:
        """Log when the system clock jumps ahead; events then get instants of the future."""
        lead = system - time.monotonic_ns() // 1000
        jump = 0 if self._lead is None else lead - self._lead
        self._lead = lead
        if jump > JUMP and system > newest + JUMP:
            _logger.warning(
                "the system's clock jumped ahead by %d s, to %s, or this machine slept. If the "
                "clock is wrong, set it right soon: events that arrive meanwhile get its time.",
                jump // SECOND,
                to_text(system),
            )


def _initial_offset(settings: Settings) -> int:
    """Return the offset of a new home, µs.

    Raises:
        SettingError: the home is not new: its log must not continue at another time.
    """
    if settings.clock is None:
        if (settings.home.log / "seals").exists():
            raise _damaged(settings.home, "none, and a log with events")
        return 0
    return parse_instant(settings.clock, "AISLE_CLOCK") - _system_now()


def _stored_offset(home: Home) -> int | None:
    try:
        return int(checked_text(home.clock.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(home, str(error)) from None


def _store(home: Home, offset: int) -> int:
    """Write the offset unless another process was first; return the stored one."""
    create_once(home.clock, with_checksum(f"{offset}\n"))
    stored = _stored_offset(home)
    if stored is None:
        raise SettingError(
            f"{home.clock}: expected to write the file, found it absent afterwards; check the "
            "folder's permissions."
        )
    return stored


def _damaged(home: Home, found: str) -> SettingError:
    return SettingError(
        f"{home.clock}: expected an offset in microseconds, found another text ({found}). "
        "Restore the file; or remove it, and set AISLE_CLOCK once to the present time of the shop."
    )
