"""The folder of a home's private Redis server: port, password, settings, program, data and log."""

import os
import random
import re
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import Home
from feature_repo.online.redis.address import RedisAddress
from feature_repo.online.redis.binary import Program

_PORTS = range(20_000, 32_000)
"""Below the ephemeral ports, which systems use for outgoing connections."""

_UNREADABLE = re.compile(
    r"Bad file format reading the append only file|RDB format version|Invalid AOF manifest"
    r"|AOF file \S+ length|(?:error|Error) .*(?:loading the DB|reading the RDB)"
    r"|doesn't exist in disk|Unexpected end of file reading the append only file"
)
"""What Redis and Valkey log before they end because they cannot read their files."""


@dataclass(frozen=True)
class ServerFolder:
    """The folder, readable by its owner only."""

    path: Path

    @classmethod
    def of(cls, home: Home) -> "ServerFolder":
        """Return the folder of a home; it may not exist yet."""
        return cls(home.redis.resolve())

    @property
    def port(self) -> int | None:
        """The server's port; None before its first start."""
        try:
            return int((self.path / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def password(self) -> str:
        """The server's password; empty before its first start."""
        try:
            return (self.path / "password").read_text()
        except FileNotFoundError:
            return ""

    @property
    def pid(self) -> int | None:
        """The process id in the pid file; a server that stops cleanly removes it."""
        try:
            return int((self.path / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def runs(self) -> bool:
        """Whether the process of the pid file exists."""
        pid = self.pid
        if pid is None:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    @property
    def writer(self) -> Program | None:
        """The program that wrote the data; None where there is none."""
        try:
            return Program.parse((self.path / "program").read_text())
        except FileNotFoundError:
            return None

    @property
    def log_size(self) -> int:
        """Bytes of the server's log."""
        log = self.path / "log"
        return log.stat().st_size if log.exists() else 0

    def address(self, **state: Any) -> RedisAddress | None:
        """Return the server's address; None before its first start."""
        port = self.port
        return None if port is None else RedisAddress.local(port, self.password, **state)

    def choose_port(self) -> int:
        """Choose a free port, and store it."""
        port = next(port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))
        self._write("port", f"{port}\n")
        return port

    def choose_password(self) -> None:
        """Choose a password once; it precedes the port, with which readers connect."""
        if not self.password:
            self._write("password", secrets.token_hex(16))

    def prepare(self, port: int) -> Path:
        """Write the settings of a start; return their file.

        A file, because every user of the machine can read the words of a command.
        """
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "requirepass": self.password,
            "dir": str(self.path),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "pidfile": str(self.path / "pid"),
            "logfile": str(self.path / "log"),
        }
        lines = [f"{name} {_quoted(value)}\n" for name, value in settings.items()]
        self._write("redis.conf", "".join(lines))
        return self.path / "redis.conf"

    def remember(self, program: Program) -> None:
        """Store which program writes the data."""
        self._write("program", f"{program}\n")

    def log_since(self, size: int) -> str:
        """Return what the server logged after its log had a size in bytes."""
        log = self.path / "log"
        if not log.exists():
            return ""
        with log.open("rb") as file:
            file.seek(size if size <= self.log_size else 0)
            return file.read().decode(errors="replace")

    def discard_data(self) -> None:
        """Delete the data.  It is not set aside, because an erasure would not reach it there."""
        shutil.rmtree(self.path / "appendonlydir", ignore_errors=True)
        (self.path / "dump.rdb").unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        fresh = self.path / f"{name}.new"
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(self.path / name)


def says_unreadable(log: str) -> bool:
    """Return whether a server's log says that it cannot read its files."""
    return _UNREADABLE.search(log) is not None


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _quoted(value: str) -> str:
    """Return a value as the settings file writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
