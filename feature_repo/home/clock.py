"""The clock of a home: the system's, moved by an offset that is fixed at the home's first use.

`AISLE_CLOCK=2021-11-15T17:00:00Z` lets historical events be served as if they had just happened.
The offset lies in the home and holds for every process and restart of it.
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
    """Gives strictly increasing instants, in microseconds since 1970 UTC, within one process."""

    offset: int = 0
    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Clock":
        """The home's clock; the first call for a home decides its offset."""
        offset = _stored_offset(settings.home)
        if offset is None:
            offset = _store(settings.home, _wanted_offset(settings))
        return cls(offset)

    def now(self) -> int:
        """The present instant."""
        with self._lock:
            self._last = max(_system_now() + self.offset, self._last + 1)
            return self._last


def is_set(home: Home) -> bool:
    """Whether the home's clock has been decided."""
    return home.clock.exists()


def _system_now() -> int:
    return time.time_ns() // 1000


def _wanted_offset(settings: Settings) -> int:
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
            "restore the file, or begin a new home."
        ) from None


def _store(home: Home, offset: int) -> int:
    """Write the offset once, whichever process comes first, and return what holds."""
    home.root.mkdir(parents=True, exist_ok=True)
    mine = home.clock.with_name(f"clock.{os.getpid()}.{threading.get_ident()}")
    mine.write_text(f"{offset}\n")
    try:
        os.link(mine, home.clock)
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    stored = _stored_offset(home)
    if stored is None:
        raise SettingError(f"{home.clock} cannot be written; check the folder's permissions.")
    return stored
