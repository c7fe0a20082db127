"""The newest instant that a home's log gave to an event or a seal, shared by all processes."""

import mmap
import struct
from pathlib import Path

from feature_repo.home.atomic_files import create_once
from feature_repo.home.errors import SettingError
from feature_repo.home.home import Home

_INSTANT = struct.Struct("<q")


class LatestInstant:
    """An instant in a file of eight bytes, which the processes of a home map into their memory.

    It survives the processes.  Two writers at the same microsecond may leave the lower instant.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    @classmethod
    def of(cls, home: Home) -> "LatestInstant | None":
        """Open the home's instant, 0 at first; None where the home cannot be written.

        Raises:
            SettingError: the file is damaged.
        """
        path = home.latest_instant
        try:
            create_once(path, _INSTANT.pack(0))
            with path.open("r+b") as file:
                return cls(mmap.mmap(file.fileno(), _INSTANT.size))
        except OSError:
            return None
        except ValueError:
            raise _damaged(path) from None

    def read(self) -> int:
        """Return the instant, µs."""
        return int(_INSTANT.unpack_from(self._memory)[0])

    def advance(self, instant: int) -> None:
        """Store an instant unless it is older."""
        if instant > self.read():
            _INSTANT.pack_into(self._memory, 0, instant)


def _damaged(path: Path) -> SettingError:
    size = path.stat().st_size
    return SettingError(
        f"{path}: expected {_INSTANT.size} bytes, found {size}; remove the file: the next event "
        "writes it again."
    )
