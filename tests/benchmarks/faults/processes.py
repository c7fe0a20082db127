"""Faults of processes that `aisle serve` watches over, and of what Redis has."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis, status
from pipelines.steps import refresh
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.served import serve
from tests.integration.http.small_shop import Service, run_service

_SUPERVISOR = "tests/integration/http/test_http_supervisor.py"
_RECOVERY = "tests/integration/http/test_http_recovery.py"


def _killed(role: str) -> Callable[[Service], Measured]:
    """Return a measurement: `aisle serve` runs, and one of its processes is killed."""

    def measure(service: Service) -> Measured:
        with serve(service.settings) as served:
            # The server belongs to this process until it ends once.
            served.redis.kill()
            served.seconds_until_back()
            killed = getattr(served, role)
            killed.kill()
            psutil.wait_procs([killed])
            text = f"answered in full after {served.seconds_until_back():.1f} s"
        _recover(service)
        return Measured(True, text)

    return measure


def aisle_killed(service: Service) -> Measured:
    """Kill `aisle serve`, and start it again."""
    with serve(service.settings) as served:
        served.redis.kill()
        served.seconds_until_back()
        children = psutil.Process(served.process.pid).children(recursive=True)
        served.process.kill()
        _, left = psutil.wait_procs(children, timeout=10)
    began = time.monotonic()
    with serve(service.settings):
        seconds = time.monotonic() - began
    _recover(service)
    text = f"{len(left)} of {len(children)} processes left; answered in full after {seconds:.1f} s"
    return Measured(not left, text)


def unreadable(service: Service) -> Measured:
    """Damage the files of Redis while it is stopped."""
    settings = service.settings
    os.kill(status(settings)["pid"], signal.SIGKILL)
    while status(settings)["running"]:
        time.sleep(0.01)
    for manifest in (settings.home.redis / "appendonlydir").glob("*.manifest"):
        manifest.write_bytes(b"damaged\n")
    began = time.monotonic()
    with serve(settings):
        seconds = time.monotonic() - began
    _recover(service)
    return Measured(True, f"answered in full {seconds:.1f} s after the start")


def emptied_before_a_start(service: Service) -> Measured:
    """Empty Redis, and start another process."""
    with redis_client(ensure_redis(service.settings), timeout=10) as client:
        client.flushall()
    with run_service(service.settings) as fresh:
        service.eventually(lambda: service.rank(["a"]).json()["degraded"] != [])
        lacking = [each.rank(["a"]).json()["degraded"] for each in (fresh, service)]
        ready = fresh.http.get("/readyz").text.strip()
        refresh(service.settings)
        recovered = fresh.eventually(lambda: fresh.rank(["a"]).json()["degraded"] == [])
    held = lacking == [["hydrate"]] * 2 and "aisle refresh" in ready and bool(recovered)
    return Measured(held, f"degraded: {lacking[0]} and {lacking[1]}; /readyz: {ready}")


def torn_down(service: Service) -> Measured:
    """Run `feast teardown`, then `aisle refresh`."""
    feast = Path(sys.executable).with_name("feast")
    subprocess.run([feast, "-c", str(service.home.feast), "teardown"], check=True)
    refresh(service.settings)
    recovered = service.eventually(lambda: service.rank(["a"]).json()["degraded"] == [])
    present = service.explain(service.items[:1])[service.items[0]]["item_engagement__present"]
    held = bool(recovered) and present == 1
    return Measured(held, "features are back" if held else "features are missing")


def _recover(service: Service) -> None:
    """Start Redis, which ended with `aisle serve`, and wait for the running service."""
    ensure_redis(service.settings)
    service.eventually(lambda: service.rank(["a"]).json()["degraded"] == [])


def _of_a_process(role: str) -> Fault:
    return Fault(
        name=f"{role} killed under aisle serve",
        done=f"The {role} is killed with -9",
        expected="it is started again without a hand",
        measure=_killed(role),
        test=f"{_SUPERVISOR}::test_a_killed_process_is_replaced",
    )


FAULTS = (
    *map(_of_a_process, ("worker", "arbiter", "redis")),
    Fault(
        name="aisle serve killed",
        done="`aisle serve` is killed with -9 and started again",
        expected="no process is left of the killed one",
        measure=aisle_killed,
        test=f"{_SUPERVISOR}::test_nothing_is_left_of_a_service_that_is_killed",
    ),
    Fault(
        name="live state unreadable",
        done="The files of Redis are damaged before a start",
        expected="the live state is built again without a hand",
        measure=unreadable,
        test=f"{_SUPERVISOR}::test_live_state_that_cannot_be_read_is_built_again",
    ),
    Fault(
        name="Redis emptied before a start",
        done="Redis loses everything, and another process starts",
        expected="old and new process are degraded until a refresh, and say so",
        measure=emptied_before_a_start,
        test=f"{_RECOVERY}::test_a_redis_without_loaded_features_is_read_again_after_a_refresh",
    ),
    Fault(
        name="feast teardown",
        done="`feast teardown`, then `aisle refresh`",
        expected="everything is applied and loaded again",
        measure=torn_down,
        test=f"{_RECOVERY}::test_a_refresh_restores_what_feast_teardown_deleted",
    ),
)
