"""The clock of a home: the system clock plus an offset that the home's first use fixes.

`AISLE_CLOCK=2021-11-15T17:00:00Z` serves historical events as if they had just happened. The offset
is stored in the home and applies to all its processes.
"""

import os
import threading
import time
from dataclasses import dataclass, field

from feature_repo.home.errors import SettingError
from feature_repo.home.home import Home
from feature_repo.home.instants import parse_instant
from feature_repo.home.settings import Settings


@dataclass
class Clock:
    """Returns instants in microseconds since 1970 UTC, strictly increasing within one process."""

    offset: int = 0
    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Clock":
        """Return the home's clock; the first call for a home fixes its offset."""
        offset = _stored_offset(settings.home)
        if offset is None:
            offset = _store(settings.home, _initial_offset(settings))
        return cls(offset)

    @staticmethod
    def is_set(home: Home) -> bool:
        """Return whether the home's offset is fixed."""
        return home.clock.exists()

    def now(self) -> int:
        """Return the current instant."""
        with self._lock:
            self._last = max(_system_now() + self.offset, self._last + 1)
            return self._last


def _system_now() -> int:
    return time.time_ns() // 1000


def _initial_offset(settings: Settings) -> int:
    if settings.clock is None:
        return 0
    return parse_instant(settings.clock, "AISLE_CLOCK") - _system_now()


def _stored_offset(home: Home) -> int | None:
    try:
        text = home.clock.read_text()
    except FileNotFoundError:
        return None
    try:
        return int(text)
    except ValueError:
        raise SettingError(
            f"{home.clock}: expected an offset in microseconds, found {text[:40]!r}; "
            "restore the file, or use a new home."
        ) from None


def _store(home: Home, offset: int) -> int:
    """Write the offset unless another process was first; return the stored one."""
    home.root.mkdir(parents=True, exist_ok=True)
    own = home.clock.with_name(f"clock.{os.getpid()}.{threading.get_ident()}")
    own.write_text(f"{offset}\n")
    try:
        os.link(own, home.clock)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    stored = _stored_offset(home)
    if stored is None:
        raise SettingError(
            f"{home.clock}: expected to write the file, found it absent afterwards; check the "
            "folder's permissions."
        )
    return stored
