"""The Redis server of a home: an external one at `REDIS_URL`, or a private one.

A private server listens on a loopback port that is chosen once per home, stores its data in the
home, and is identified by its folder: a server of another folder on the same port is never used.
A server started for a process ends with it, even if the process is killed: a watcher process reads
a pipe that only the parent has open, and stops the server when the pipe closes.
"""

import atexit
import fcntl
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import redis

from feature_repo.home import Home, RedisError, Settings
from feature_repo.online.redis.address import RedisAddress, redis_client, server_info
from feature_repo.online.redis.binary import server_binary

__all__ = [
    "RedisAddress",
    "ensure_redis",
    "is_alive",
    "port_of",
    "redis_client",
    "running_redis",
    "start",
    "status",
    "stop",
]

Lifetime = Literal["process", "daemon"]

START_SECONDS = 600.0
"""Default limit of a start; a server that must load much data takes minutes."""

_ANSWERS_WITHIN_SECONDS = 20.0
"""Limit until a server that started answers that it loads its data, or that it is ready."""

_STOPS_WITHIN_SECONDS = 20.0
_PORTS = range(20_000, 32_000)
"""Below the ephemeral ports, which systems use for outgoing connections."""

_PORTS_TO_TRY = 5

_WITH_WATCHER = 'exec 3<&0 </dev/null; { cat <&3 >/dev/null; kill -TERM $$; } & exec "$@" 3<&-'
"""Becomes the server; a background shell stops it when its standard input closes."""


@dataclass
class _Child:
    """A server that ends when `lifeline` is closed, explicitly or by the end of this process."""

    process: "subprocess.Popen[bytes]"
    lifeline: int

    def end(self) -> None:
        os.close(self.lifeline)
        try:
            self.process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_children: dict[Path, _Child] = {}


def ensure_redis(
    settings: Settings, lifetime: Lifetime = "process", *, wait: float | None = None
) -> RedisAddress:
    """Return the address of the home's server, and start it if none runs.

    A server at `REDIS_URL` is not contacted.  A private server that already runs is used, and keeps
    running.

    Args:
        settings: which home, and whether `REDIS_URL` is given.
        lifetime: `process`: a started server ends with this process; `daemon`: it outlives it.
        wait: limit of the start, in seconds; by default `START_SECONDS`.

    Raises:
        RedisError: no server can be started.
    """
    if settings.redis_url:
        return RedisAddress.parse(settings.redis_url)
    folder = _folder(settings.home)
    with _locked(folder):
        last_port = port_of(settings.home)
        if last_port is not None and _answers_for(folder, last_port):
            return RedisAddress.local(last_port, owned=folder in _children)
        _end_child(folder)
        if last_port is not None and not _is_free(last_port) and _runs(folder):
            raise RedisError(
                f"The Redis server of {folder} runs but does not answer; end process "
                f"{_pid(folder)}, or delete {folder / 'pid'} if that is not Redis."
            )
        limit = START_SECONDS if wait is None else wait
        port = _launch_on_a_free_port(folder, last_port, lifetime, limit)
        moved = last_port not in (None, port)
        return RedisAddress.local(port, owned=lifetime == "process", moved=moved)


@contextmanager
def running_redis(settings: Settings, *, wait: float | None = None) -> Iterator[RedisAddress]:
    """Run a server during a block; stop it at the end if the block started it.

    `wait` limits its start, in seconds.
    """
    folder = _folder(settings.home)
    was_running = folder in _children
    address = ensure_redis(settings, wait=wait)
    try:
        yield address
    finally:
        if address.owned and not was_running:
            _end_child(folder)


def start(settings: Settings) -> RedisAddress:
    """Start the home's server as a daemon; `stop` ends it."""
    return ensure_redis(settings, lifetime="daemon")


def stop(home: Home) -> bool:
    """Stop the home's private server, which keeps its data; return False if none runs.

    Raises:
        RedisError: it does not stop.
    """
    if port_of(home) is None:
        return False
    folder = _folder(home)
    with _locked(folder):
        port = port_of(home)
        if port is None or not _answers_for(folder, port):
            return False
        if folder in _children:
            _end_child(folder)
        else:
            _shut_down(port)
        return True


def status(settings: Settings) -> dict[str, Any]:
    """Return the state of the server, for display and for `--json`.

    Returns:
        `url` (without a password), `owner` (`REDIS_URL` or `private`) and `running`; when running
        also `version`, `policy`, `aof`, `memory_bytes`, `keys`, `pid`.
    """
    address = _present(settings)
    about: dict[str, Any] = {
        "owner": "REDIS_URL" if settings.redis_url else "private",
        "url": f"redis://{address.host}:{address.port}" if address else None,
        "running": False,
    }
    if address is None:
        return about
    try:
        info = server_info(address)
    except RedisError as error:
        return about | {"error": str(error)}
    return about | {
        "running": True,
        "version": str(info.get("valkey_version") or info.get("redis_version")),
        "policy": str(info.get("maxmemory_policy")),
        "aof": bool(info.get("aof_enabled")),
        "memory_bytes": int(info.get("used_memory", 0)),
        "keys": sum(part["keys"] for name, part in info.items() if name.startswith("db")),
        "pid": int(info.get("process_id", 0)),
    }


def is_alive(settings: Settings) -> bool:
    """Return whether the process of the home's private server exists; true for `REDIS_URL`."""
    folder = settings.home.redis.resolve()
    child = _children.get(folder)
    return bool(
        settings.redis_url or (_runs(folder) if child is None else child.process.poll() is None)
    )


def port_of(home: Home) -> int | None:
    """Return the port of the home's private server; None before its first start."""
    try:
        return int((home.redis / "port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _present(settings: Settings) -> RedisAddress | None:
    if settings.redis_url:
        return RedisAddress.parse(settings.redis_url)
    port = port_of(settings.home)
    folder = settings.home.redis.resolve()
    return RedisAddress.local(port) if port and _answers_for(folder, port) else None


def _folder(home: Home) -> Path:
    home.redis.mkdir(parents=True, exist_ok=True)
    home.redis.chmod(0o700)
    return home.redis.resolve()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the server of a folder, so that one process at a time checks, starts or stops it."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers_for(folder: Path, port: int, wait: float = START_SECONDS) -> bool:
    """Return whether the server on `port` belongs to `folder`.

    It may load its data for `wait` seconds.
    """
    patience = 5.0 if _runs(folder) else 1.0
    with redis_client(RedisAddress.local(port), timeout=patience) as client:
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            try:
                client.ping()
                return bool(client.config_get("dir").get("dir") == str(folder))
            except redis.BusyLoadingError:
                time.sleep(0.05)
            except redis.RedisError:
                return False
    return False


def _pid(folder: Path) -> int | None:
    """Return the process id in the folder's pid file; a server that stops cleanly removes it."""
    try:
        return int((folder / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _runs(folder: Path) -> bool:
    pid = _pid(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _choose_port(folder: Path) -> int:
    port = next(port for port in random.sample(_PORTS, len(_PORTS)) if _is_free(port))
    fresh = folder / "port.new"
    fresh.write_text(f"{port}\n")
    fresh.replace(folder / "port")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _command(folder: Path, port: int) -> list[str]:
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "pidfile": str(folder / "pid"),
        "logfile": str(folder / "log"),
    }
    pairs = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [str(server_binary()), *pairs]


def _launch_on_a_free_port(
    folder: Path, last_port: int | None, lifetime: Lifetime, limit: float
) -> int:
    """Start the server, on its last port where that is free, and return its port.

    Another process may take the port after it was free: homes copied from one home start with the
    same port.
    """
    port = last_port if last_port is not None and _is_free(last_port) else _choose_port(folder)
    for _ in range(_PORTS_TO_TRY - 1):
        try:
            _launch(folder, port, lifetime, limit)
            return port
        except RedisError:
            if _is_free(port):
                raise
            port = _choose_port(folder)
    _launch(folder, port, lifetime, limit)
    return port


def _launch(folder: Path, port: int, lifetime: Lifetime, limit: float) -> None:
    command = _command(folder, port)
    if lifetime == "daemon":
        subprocess.run(
            [*command, "--daemonize", "yes"], cwd=folder, check=False, capture_output=True
        )
        _await_answer(folder, port, limit)
        return
    child = _spawn(command, folder)
    try:
        _await_answer(folder, port, limit, child.process)
    except BaseException:
        child.end()
        raise
    if not _children:
        atexit.register(_end_children, os.getpid())
    _children[folder] = child


def _spawn(command: list[str], folder: Path) -> _Child:
    watched, lifeline = os.pipe()
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WITH_WATCHER, "redis", *command],
            stdin=watched,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
    finally:
        os.close(watched)
    return _Child(process, lifeline)


def _await_answer(
    folder: Path, port: int, limit: float, process: "subprocess.Popen[bytes] | None" = None
) -> None:
    deadline = time.monotonic() + min(_ANSWERS_WITHIN_SECONDS, limit)
    while not _answers_for(folder, port, limit):
        died = process is not None and process.poll() is not None
        if died or time.monotonic() > deadline:
            raise RedisError(
                f"The Redis server of {folder} did not start; the end of {folder / 'log'} says: "
                f"{_last_words(folder)}"
            )
        time.sleep(0.02)


def _last_words(folder: Path) -> str:
    try:
        return " / ".join((folder / "log").read_text(errors="replace").splitlines()[-3:])
    except FileNotFoundError:
        return "(nothing)"


def _shut_down(port: int) -> None:
    with redis_client(RedisAddress.local(port), timeout=_STOPS_WITHIN_SECONDS) as client:
        client.shutdown()
    deadline = time.monotonic() + _STOPS_WITHIN_SECONDS
    while not _is_free(port):
        if time.monotonic() > deadline:
            raise RedisError(f"The Redis server on port {port} does not stop; end it by hand.")
        time.sleep(0.02)


def _end_child(folder: Path) -> None:
    child = _children.pop(folder, None)
    if child is not None:
        child.end()


def _end_children(owner: int) -> None:
    """Stop the servers that this process started; a fork of it stops none."""
    if os.getpid() == owner:
        for folder in list(_children):
            _end_child(folder)
