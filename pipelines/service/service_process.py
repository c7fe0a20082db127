"""The HTTP service as a process: started, waited for, stopped."""

import ctypes
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from feature_repo.home import CHECKOUT, ApiKeys, ServiceError, SettingError, Settings
from pipelines.service.client import AisleClient

START_SECONDS = 90.0
_PR_SET_PDEATHSIG = 1


def command(port: int, host: str = "127.0.0.1") -> list[str]:
    """The command line of the service."""
    return [
        sys.executable, "-m", "bentoml", "serve", "serving.http.service:Aisle",
        "--host", host, "--port", str(port), "--working-dir", str(CHECKOUT),
    ]  # fmt: skip


def environment(settings: Settings, redis_url: str, port: int) -> Mapping[str, str]:
    """What the service reads from its environment.

    Each port has a BENTOML_HOME of its own: servers that share one wipe each other's metrics.
    """
    return {
        **os.environ,
        "AISLE_HOME": str(settings.home.root),
        "REDIS_URL": redis_url,
        "AISLE_RECORD": str(settings.record_share),
        "AISLE_WORKERS": str(settings.workers),
        "BENTOML_HOME": str(settings.home.bentoml / str(port)),
        "BENTOML_DO_NOT_TRACK": "True",
    }


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_service(
    settings: Settings, redis_url: str, *, port: int, host: str = "127.0.0.1"
) -> Iterator["AisleClient"]:
    """Run the service while the block runs; its output goes to `service.log` in the home.

    Raises:
        SettingError: others than this machine could ask, and there are no keys.
        ServiceError: the port is taken; or the service ended, or was not ready in time, with the
            end of its output.
    """
    _check_closed(settings, host)
    _check_free(host, port)
    (settings.home.bentoml / str(port)).mkdir(parents=True, exist_ok=True)
    log = settings.home.root / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(port, host),
            env=environment(settings, redis_url, port),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_ending_with_parent(),  # noqa: PLW1509 - one system call, made ready before
        )
    try:
        with AisleClient(f"http://{host}:{port}") as client:
            _await_ready(process, client, log)
            yield client
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 15.0) -> None:
    """Ask the process to finish what is in flight and end; insist after `seconds`."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _check_closed(settings: Settings, host: str) -> None:
    """A home without keys is open to all who can reach it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServiceError(f"--host: expected an address, found {host!r} ({error}).") from None
    if all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
        return
    if ApiKeys.load(settings.home.api_keys) is None:
        raise SettingError(
            f"{host} can be reached from other machines: expected a loopback address or keys, "
            "found no keys. Make one with `aisle key create NAME --scope answers`."
        )


def _check_free(host: str, port: int) -> None:
    """Another's server on this port would answer in the place of ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"Port {port} of {host} cannot be had ({error.strerror}): another program "
                "listens there. Stop it, or choose another with --port."
            ) from None


def _ending_with_parent() -> Callable[[], object] | None:
    """Asks Linux to end the service when its parent was killed without a chance to stop it."""
    if sys.platform != "linux":
        return None
    return partial(ctypes.CDLL(None).prctl, _PR_SET_PDEATHSIG, int(signal.SIGTERM))


def _await_ready(process: "subprocess.Popen[bytes]", client: AisleClient, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if client.ready():
            return
        time.sleep(0.1)
    state = "ended" if process.poll() is not None else "was not ready in time"
    end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise ServiceError(f"The service {state}.  The end of {log}:\n{end}")
