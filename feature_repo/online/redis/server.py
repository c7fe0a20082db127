"""The Redis server of a home: an external one at `REDIS_URL`, or a private one.

A private server listens on a loopback port that is chosen once per home, has a password, stores its
data in the home, and is identified by its folder: a server of another folder on the same port is
never used.  The program that wrote the data loads it again; data that no program of this machine
reads is deleted, because the log and the features have all of it.

A server started for a process ends with it, even if the process is killed: a watcher process reads
a pipe that only the parent has open, and stops the server when the pipe closes.
"""

import atexit
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import redis

from feature_repo.home import Home, RedisError, Settings
from feature_repo.online.redis.address import RedisAddress, redis_client, server_info
from feature_repo.online.redis.binary import Program, server_program
from feature_repo.online.redis.server_folder import ServerFolder, is_free, says_unreadable

__all__ = [
    "RedisAddress",
    "address_of",
    "ensure_redis",
    "is_alive",
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
_PORTS_TO_TRY = 5

_WITH_WATCHER = 'exec 3<&0 </dev/null; { cat <&3 >/dev/null; kill -TERM $$; } & exec "$@" 3<&-'
"""Becomes the server; a background shell stops it when its standard input closes."""


class _UnreadableError(RedisError):
    """The server ended because it cannot read its data."""


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


_children: dict[ServerFolder, _Child] = {}


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
    folder = _created(settings.home)
    with _locked(folder):
        last_port = folder.port
        address = folder.address(owned=folder in _children)
        if address is not None and _answers_for(folder, address):
            return address
        _end_child(folder)
        if last_port is not None and not is_free(last_port) and folder.runs:
            raise RedisError(
                f"The Redis server of {folder.path} runs but does not answer; end process "
                f"{folder.pid}, or delete {folder.path / 'pid'} if that is not Redis."
            )
        start = _Start(folder, lifetime, START_SECONDS if wait is None else wait)
        started = start.on_a_free_port()
        return replace(started, moved=last_port not in (None, started.port))


@contextmanager
def running_redis(settings: Settings, *, wait: float | None = None) -> Iterator[RedisAddress]:
    """Run a server during a block; stop it at the end if the block started it.

    `wait` limits its start, in seconds.
    """
    folder = ServerFolder.of(settings.home)
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
    folder = ServerFolder.of(home)
    if folder.port is None:
        return False
    with _locked(folder):
        address = folder.address()
        if address is None or not _answers_for(folder, address):
            return False
        if folder in _children:
            _end_child(folder)
        else:
            _shut_down(address)
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
    """Return whether the home's private server listens; true for `REDIS_URL`.

    The process of a killed server exists until its parent has read its status.
    """
    if settings.redis_url:
        return True
    folder = ServerFolder.of(settings.home)
    port = folder.port
    return port is not None and folder.runs and not is_free(port)


def address_of(settings: Settings) -> RedisAddress:
    """Return `REDIS_URL`, else the address of the home's private server, running or not.

    Raises:
        RedisError: the home has no server yet.
    """
    if settings.redis_url:
        return RedisAddress.parse(settings.redis_url)
    address = ServerFolder.of(settings.home).address()
    if address is None:
        raise RedisError(f"{settings.home.root} has no Redis server yet; run `aisle redis start`.")
    return address


@dataclass(frozen=True)
class _Start:
    """The start of a server.

    Attributes:
        limit: seconds, with the load of its data.
    """

    folder: ServerFolder
    lifetime: Lifetime
    limit: float

    def on_a_free_port(self) -> RedisAddress:
        """Start the server, on its last port where that is free.

        Another process may take the port after it was free: homes copied from one home start with
        the same port.
        """
        self.folder.choose_password()
        port = self.folder.port
        if port is None or not is_free(port):
            port = self.folder.choose_port()
        for _ in range(_PORTS_TO_TRY - 1):
            with suppress(_PortTakenError):
                return self._with_readable_data(port)
            port = self.folder.choose_port()
        return self._with_readable_data(port)

    def _with_readable_data(self, port: int) -> RedisAddress:
        """Start the server, without its data where it cannot read that."""
        writer = self.folder.writer
        program = server_program(writer)
        try:
            return self._launch(program, port)
        except _UnreadableError:
            self.folder.discard_data()
            written = f", which {writer.label} wrote" if writer else ""
            notice = (
                f"{program.label} cannot read the live state in {self.folder.path}{written}, and "
                "starts without it: the log and the features have all of it."
            )
            return replace(self._launch(program, port), notice=notice)

    def _launch(self, program: Program, port: int) -> RedisAddress:
        command = [str(program.path), str(self.folder.prepare(port))]
        address = RedisAddress.local(port, self.folder.password, owned=self.lifetime == "process")
        log_size = self.folder.log_size
        if self.lifetime == "daemon":
            daemon = [*command, "--daemonize", "yes"]
            subprocess.run(daemon, cwd=self.folder.path, check=False, capture_output=True)
            self._await_answer(address, log_size)
        else:
            child = _spawn(command, self.folder.path)
            try:
                self._await_answer(address, log_size, child.process)
            except BaseException:
                child.end()
                raise
            if not _children:
                atexit.register(_end_children, os.getpid())
            _children[self.folder] = child
        self.folder.remember(program)
        return address

    def _await_answer(
        self,
        address: RedisAddress,
        log_size: int,
        process: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        deadline = time.monotonic() + min(_ANSWERS_WITHIN_SECONDS, self.limit)
        while not _answers_for(self.folder, address, self.limit):
            log = self.folder.log_since(log_size)
            if says_unreadable(log):
                raise _UnreadableError(log)
            died = process is not None and process.poll() is not None
            if died or time.monotonic() > deadline:
                if not is_free(address.port):
                    raise _PortTakenError(f"Another program listens on port {address.port}.")
                last_words = " / ".join(log.splitlines()[-3:]) or "(nothing)"
                raise RedisError(
                    f"The Redis server of {self.folder.path} did not start; the end of "
                    f"{self.folder.path / 'log'} says: {last_words}"
                )
            time.sleep(0.02)


class _PortTakenError(RedisError):
    """Another process took the port."""


def _present(settings: Settings) -> RedisAddress | None:
    if settings.redis_url:
        return RedisAddress.parse(settings.redis_url)
    folder = ServerFolder.of(settings.home)
    address = folder.address()
    return address if address and _answers_for(folder, address) else None


def _created(home: Home) -> ServerFolder:
    home.redis.mkdir(parents=True, exist_ok=True)
    home.redis.chmod(0o700)
    return ServerFolder.of(home)


@contextmanager
def _locked(folder: ServerFolder) -> Iterator[None]:
    """Lock the server of a folder, so that one process at a time checks, starts or stops it."""
    with (folder.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers_for(folder: ServerFolder, address: RedisAddress, wait: float = START_SECONDS) -> bool:
    """Return whether the server at an address belongs to `folder`.

    It may load its data for `wait` seconds.
    """
    patience = 5.0 if folder.runs else 1.0
    with redis_client(address, timeout=patience) as client:
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            try:
                client.ping()
                return bool(client.config_get("dir").get("dir") == str(folder.path))
            except redis.BusyLoadingError:
                time.sleep(0.05)
            except redis.RedisError:
                return False
    return False


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


def _shut_down(address: RedisAddress) -> None:
    with redis_client(address, timeout=_STOPS_WITHIN_SECONDS) as client:
        client.shutdown()
    deadline = time.monotonic() + _STOPS_WITHIN_SECONDS
    while not is_free(address.port):
        if time.monotonic() > deadline:
            raise RedisError(
                f"The Redis server on port {address.port} does not stop; end it by hand."
            )
        time.sleep(0.02)


def _end_child(folder: ServerFolder) -> None:
    child = _children.pop(folder, None)
    if child is not None:
        child.end()


def _end_children(owner: int) -> None:
    """Stop the servers that this process started; a fork of it stops none."""
    if os.getpid() == owner:
        for folder in list(_children):
            _end_child(folder)
