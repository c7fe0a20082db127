"""Attacks on the HTTP port, and more load than the service can answer."""

import json
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.faults.fault import Fault, Measured
from tests.benchmarks.http_load import closed_loop, open_loop
from tests.benchmarks.measuring import pace
from tests.integration.http.fuzzing import answered, fuzz, watched_livez
from tests.integration.http.small_shop import Service

HEAD_MB, SILENT, FUZZED = 80, 2000, 10_000
LOADS, CAPACITY_REQUESTS, LOAD_SECONDS, CANDIDATES = (2.0, 5.0), 1000, 10.0, 100
ROUNDS = 7
LIVEZ_SECONDS, GROWTH_MB = 1.0, 16.0
LEAST_GOODPUT, REFUSAL_MS = 0.9, 20.0


def endless_head(service: Service) -> Measured:
    """Send a head that never ends."""
    with watched_livez(service) as took:
        status = answered(service, b"GET / HTTP/1.1\r\nX: " + b"a" * (HEAD_MB << 20))[0]
    return Measured(
        held=status in (0, 431) and is_quick(took),
        text=f"status {status or 'none, closed'}; slowest `/livez` {max(took) * 1000:.0f} ms",
    )


def silent_connections(service: Service) -> Measured:
    """Open connections and send nothing."""
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    with ExitStack() as open_, watched_livez(service) as took:
        silent = [open_.enter_context(socket.create_connection(address)) for _ in range(SILENT)]
        started = time.monotonic()
        while (left := sum(map(_is_open, silent))) and time.monotonic() - started < 60:
            time.sleep(0.2)
        ended = time.monotonic() - started
    return Measured(
        held=left == 0 and is_quick(took),
        text=f"{SILENT - left} of {SILENT} closed by the service within {ended:.0f} s; "
        f"slowest `/livez` {max(took) * 1000:.0f} ms",
    )


def random_requests(service: Service) -> Measured:
    """Send random requests."""
    fuzzed = fuzz(service, FUZZED)
    statuses = ", ".join(f"{n} × {status or 'no'}" for status, n in sorted(fuzzed.statuses.items()))
    return Measured(
        held=fuzzed.defects == 0
        and is_quick([fuzzed.slowest_livez])
        and fuzzed.grown_mb < GROWTH_MB,
        text=f"answers: {statuses}; slowest `/livez` {fuzzed.slowest_livez * 1000:.0f} ms; "
        f"memory {fuzzed.grown_mb:+.1f} MB over the last three quarters",
    )


@dataclass(frozen=True)
class _Overload:
    """One load above the capacity; `goodput` is a share of it."""

    capacity: float
    goodput: float
    refused: int
    refusal_ms: float
    clients: float
    statuses: frozenset[int]


def overload(service: Service) -> Measured:
    """Send more rankings than the service can answer, in several rounds."""
    bodies = [
        json.dumps({"user": user, "items": [{"id": item} for item in service.items[:CANDIDATES]]})
        for user in service.users[:20]
    ]
    url, encoded = f"{service.url}/rank/default", [body.encode() for body in bodies]
    closed_loop(url, encoded, 8, 40)
    paces, rounds = [pace()], []
    for _ in range(ROUNDS):
        rounds.append([_overload(url, encoded, factor) for factor in LOADS])
        paces.append(pace())
    texts = [f"pace of the machine {min(paces):g} to {max(paces):g}"]
    held = True
    for factor, runs in zip(LOADS, zip(*rounds, strict=True), strict=True):
        goodputs = sorted(run.goodput for run in runs)
        slowest = max(run.refusal_ms for run in runs)
        held = held and all(run.statuses <= {200, 429} for run in runs)
        held = held and median(goodputs) >= LEAST_GOODPUT and slowest < REFUSAL_MS
        texts.append(
            f"{factor:g}×: capacity {median(run.capacity for run in runs):.0f} a second, goodput "
            f"{median(goodputs):.0%} ({goodputs[0]:.0%} to {goodputs[-1]:.0%}), "
            f"{sum(run.refused for run in runs)} refused, 99 % within {slowest:.1f} ms in the "
            f"slowest round, the clients used {median(run.clients for run in runs):.0%} of a core"
        )
    return Measured(held, "; ".join(texts))


def _overload(url: str, bodies: Sequence[bytes], factor: float) -> _Overload:
    """Send `factor` times the capacity of just before; the goodput is of just before and after.

    The pace of a shared machine drifts, by more within a minute than the goodput may miss.
    """
    before = _capacity(url, bodies)
    used = time.process_time()
    load = open_loop(url, bodies, factor * before, LOAD_SECONDS)
    clients = (time.process_time() - used) / load.wall
    capacity = (before + _capacity(url, bodies)) / 2
    return _Overload(
        capacity,
        len(load.latencies()) / load.wall / capacity,
        len(load.latencies(429)),
        load.percentile_ms(99, 429),
        clients,
        frozenset(load.seconds),
    )


def _capacity(url: str, bodies: Sequence[bytes]) -> float:
    """Return the answers a second to eight clients that wait for each answer."""
    load = closed_loop(url, bodies, 8, CAPACITY_REQUESTS)
    return len(load.latencies()) / load.wall


def is_quick(took: Sequence[float]) -> bool:
    """Return whether each call took less than a second."""
    return max(took) < LIVEZ_SECONDS


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


_LIVE = f"`/livez` of another client within {LIVEZ_SECONDS:g} s"
_CONNECTIONS = "tests/serving/http/test_connections.py"

FAULTS = (
    Fault(
        "endless head",
        f"a head of {HEAD_MB} MiB",
        f"431 or the end of the connection; {_LIVE}",
        endless_head,
        f"{_CONNECTIONS}::test_a_head_beyond_its_limit_is_431",
    ),
    Fault(
        "silent connections",
        f"{SILENT} connections that send nothing",
        f"the service closes all; {_LIVE}",
        silent_connections,
        f"{_CONNECTIONS}::test_silent_connections_keep_no_client_out",
    ),
    Fault(
        "random requests",
        f"{FUZZED:,} requests with random changes of heads, bodies and events",
        f"no 5xx; {_LIVE}; memory grows by less than {GROWTH_MB:g} MB",
        random_requests,
        "tests/integration/http/test_http_hostile.py::"
        "test_random_requests_are_not_answered_with_a_5xx",
    ),
    Fault(
        "overload",
        f"rankings of {CANDIDATES} items at 2 and 5 times the capacity; the clients run on the "
        "same machine",
        f"each request gets 200 or 429; goodput at least {LEAST_GOODPUT:.0%}, the median of "
        f"{ROUNDS} rounds; 99 % of the refusals of each within {REFUSAL_MS:g} ms, on an idle "
        "machine (pace 1)",
        overload,
        "tests/integration/http/test_http_operate.py::"
        "test_an_overload_is_rejected_and_accepted_requests_are_answered",
    ),
)
