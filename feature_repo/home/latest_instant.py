"""The newest instant that a home's log gave to an event or a seal, shared by all processes."""

import logging
import os
import struct
import zlib
from pathlib import Path

from feature_repo.home.atomic_files import create_once
from feature_repo.home.errors import SettingError
from feature_repo.home.home import Home

_logger = logging.getLogger(__name__)

_CELL = struct.Struct("<Q")
_CHECK_BITS = 12
"""An instant in µs has 52 bits until the year 2112; the other bits of a cell are its checksum."""


class LatestInstant:
    """An instant in a file of eight bytes, which the processes of a home read and write at once.

    It survives the processes.  Two writers at the same microsecond may leave the lower instant.  A
    changed file counts as without an instant, and the next instant replaces it.  The file is not
    mapped into memory, because a process whose mapped file is cut short is killed.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, which must exist.

        Raises:
            OSError: it cannot be written.
        """
        self._fd = os.open(path, os.O_RDWR)
        self._path = path
        self._cell, self._instant = b"", 0

    def __del__(self) -> None:
        """Close the file; it is open while a clock uses it."""
        if hasattr(self, "_fd"):
            os.close(self._fd)

    @classmethod
    def of(cls, home: Home) -> "LatestInstant | None":
        """Open the home's instant, 0 at first; None where the home cannot be written.

        Raises:
            SettingError: it is no file.
        """
        path = home.latest_instant
        try:
            create_once(path, _encode(0))
            return cls(path)
        except IsADirectoryError:
            raise SettingError(
                f"{path}: expected a file, found a folder; remove it: the next event writes the "
                "file again."
            ) from None
        except OSError:
            return None

    def read(self) -> int:
        """Return the instant, µs."""
        cell = os.pread(self._fd, _CELL.size + 1, 0)
        if cell != self._cell:
            self._cell, self._instant = cell, self._decode(cell)
        return self._instant

    def advance(self, instant: int) -> None:
        """Store an instant unless it is older."""
        if instant > self.read():
            if len(self._cell) > _CELL.size:
                os.ftruncate(self._fd, _CELL.size)
            os.pwrite(self._fd, _encode(instant), 0)

    def _decode(self, cell: bytes) -> int:
        if len(cell) == _CELL.size:
            instant = int(_CELL.unpack(cell)[0] >> _CHECK_BITS)
            if _encode(instant) == cell:
                return instant
        _logger.warning(
            "%s is damaged; the newest event or seal writes it again. Until then the home's clock "
            "may return instants that the log has, if the system's clock went back.",
            self._path,
        )
        return 0


def _encode(instant: int) -> bytes:
    check = zlib.crc32(b"%d" % instant) % (1 << _CHECK_BITS)
    return _CELL.pack(instant << _CHECK_BITS | check)
