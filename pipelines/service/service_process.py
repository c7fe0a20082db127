"""The HTTP service as a process: start it, wait until it is ready, stop it."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import (
    CHECKOUT,
    ApiKeys,
    ServiceError,
    SettingError,
    Settings,
    kill_orphans,
    with_parent,
)
from pipelines.service.client import AisleClient

START_SECONDS = 90.0
"""Default limit of a start; the service is ready within 30 s on an idle machine."""

_PROGRESS_SECONDS = 10.0
_STOP_SECONDS = 30.0
_LOG_LINES = 15

Announce = Callable[[str], None]


def command(port: int, host: str = "127.0.0.1") -> list[str]:
    """Return the command line of the service."""
    serve = [sys.executable, "-m", "bentoml", "serve", "serving.http.service:Aisle"]
    return [*serve, "--host", host, "--port", str(port), "--working-dir", str(CHECKOUT)]


def environment(settings: Settings, port: int) -> Mapping[str, str]:
    """Return the environment of the service.

    The address of a private Redis is not part of it, because it has a password: the service reads
    that from the home.
    Each port has its own BENTOML_HOME: servers that share one delete each other's metrics.
    """
    return {
        **os.environ,
        "AISLE_HOME": str(settings.home.root),
        "REDIS_URL": settings.redis_url or "",
        "AISLE_RECORD": str(settings.record_share),
        "AISLE_WORKERS": str(settings.workers),
        "AISLE_DRAIN": str(settings.drain_seconds),
        "BENTOML_HOME": str(settings.home.bentoml / str(port)),
        "BENTOML_DO_NOT_TRACK": "True",
    }


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_service(
    settings: Settings,
    *,
    port: int,
    host: str = "127.0.0.1",
    wait: float | None = None,
    announce: Announce = lambda _: None,
) -> Iterator["AisleClient"]:
    """Run the service while the block runs; its output goes to `service.log` in the home.

    Args:
        wait: limit of the start, in seconds; by default `START_SECONDS` times the patience.
        announce: called with the state of the service while it starts.

    Raises:
        SettingError: other machines could reach the service, and the home has no keys; or the
            limit is not above 0.
        ServiceError: the port is in use; or the service ended, or was not ready in time: the
            message has the cause and the end of its output.
    """
    with started_service(settings, port=port, host=host, wait=wait, announce=announce) as service:
        yield service.client


@contextmanager
def started_service(
    settings: Settings,
    *,
    port: int,
    host: str,
    wait: float | None,
    announce: Announce,
    meanwhile: Callable[["ServiceProcess"], None] = lambda _: None,
) -> Iterator["ServiceProcess"]:
    """Like `running_service`, with the process, which the block may start again.

    `meanwhile` does other work while the process starts.
    """
    limit = START_SECONDS * settings.patience if wait is None else wait
    if not limit > 0:
        raise SettingError(f"--wait: expected more than 0 seconds, found {limit:g}.")
    _check_keys(settings, host)
    _log_of(settings).unlink(missing_ok=True)
    with AisleClient(url_of(host, port)) as client:
        service = ServiceProcess(settings, host, port, limit, client, announce)
        try:
            service.start()
            meanwhile(service)
            service.await_ready()
            yield service
        finally:
            service.stop()


@dataclass
class ServiceProcess:
    """The process of a service, which can be started again after its end.

    Attributes:
        limit: of a start, in seconds.
        client: of the service.
    """

    settings: Settings
    host: str
    port: int
    limit: float
    client: AisleClient
    announce: Announce
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def state(self) -> str:
        """What happened to the process, in words."""
        if self._process is None:
            return "did not start"
        status = self._process.poll()
        return "does not answer" if status is None else f"ended with status {status}"

    def start(self) -> None:
        """Start the process; it is killed when this thread's process ends.

        Raises:
            ServiceError: the port is in use.
        """
        self._process = None
        check_port(self.host, self.port)
        (self.settings.home.bentoml / str(self.port)).mkdir(parents=True, exist_ok=True)
        with _log_of(self.settings).open("ab") as output:
            self._process = subprocess.Popen(
                command(self.port, self.host),
                env=environment(self.settings, self.port),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=with_parent(),  # noqa: PLW1509 - two prepared system calls
            )

    def await_ready(self) -> None:
        """Return when the service is ready.

        Raises:
            ServiceError: it ended, or was not ready in time.
        """
        assert self._process is not None, "start() comes first"
        start = ServiceStart(self.settings, self._process, self.client, self.limit, self.announce)
        start.await_ready()

    def stop(self) -> None:
        """Terminate the process; kill it `_STOP_SECONDS` after the end of its drain."""
        process = self._process
        if process is None:
            return
        if process.poll() is not None:
            kill_orphans(process.pid)
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(self.settings.drain_seconds + _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kill_orphans(process.pid)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server at a host name or address.

    Raises:
        ServiceError: it is no address.
    """
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServiceError(f"--host: expected an address, found {host!r} ({error}).") from None
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in addresses)


def _check_keys(settings: Settings, host: str) -> None:
    """Check that only a home with keys is served beyond this machine."""
    if not is_loopback(host) and ApiKeys.load(settings.home.api_keys) is None:
        raise SettingError(
            f"{host} can be reached from other machines: expected a loopback address or keys, "
            "found no keys. Make one with `aisle key create NAME --scope answers`."
        )


def url_of(host: str, port: int) -> str:
    """Return the URL of a server at a host name or address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_port(host: str, port: int) -> None:
    """Check that the port is free: another server there would answer the client's requests.

    Raises:
        ServiceError: the port is in use.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"Port {port} of {host} is not available ({error.strerror}): another program "
                "listens on it. Stop that program, or choose another port with --port."
            ) from None


@dataclass
class ServiceStart:
    """The start of a service process.

    Attributes:
        limit: seconds.
    """

    settings: Settings
    process: "subprocess.Popen[bytes]"
    client: AisleClient
    limit: float
    announce: Announce

    def await_ready(self) -> None:
        """Return when the service is ready, and announce its state until then."""
        began, next_at = time.monotonic(), _PROGRESS_SECONDS
        self.announce(f"Starting the service; --wait limits this to {self.limit:g} s.")
        while (waited := time.monotonic() - began) < self.limit and self.process.poll() is None:
            if self.client.ready():
                return
            if waited >= next_at:
                next_at += _PROGRESS_SECONDS
                self.announce(f"Not ready after {waited:.0f} s: {self._cause()}.")
            time.sleep(0.1)
        raise ServiceError(f"{self._failure()}  {self._end_of_log()}")

    def _failure(self) -> str:
        if self.process.poll() is not None:
            return f"The service ended with status {self.process.returncode}."
        return f"The service was not ready within {self.limit:g} s: {self._cause()}."

    def _cause(self) -> str:
        """Return why a running service is not ready, and what to do."""
        from training.artifacts import POPULARITY, RANKER, is_published

        home = self.settings.home
        if not self.client.live():
            return "it does not answer yet; on a busy machine, raise --wait"
        if not any(is_published(home, kind) for kind in (RANKER, POPULARITY)):
            return f"nothing that ranks is published in {home.root}; run `aisle refresh`"
        return "it has not loaded what is published; `aisle doctor` finds damage"

    def _end_of_log(self) -> str:
        log = _log_of(self.settings)
        end = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        return f"The end of {log}:\n{end}"


def _log_of(settings: Settings) -> Path:
    return settings.home.root / "service.log"
