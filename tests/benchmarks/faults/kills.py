"""Kill -9 of each process under load, and count the events that are lost or doubled.

`aisle serve` runs a home of its own with two workers and its private Redis.  Two threads send
events, and `aisle ingest` and `aisle refresh` run all the time.  A round kills one process of each
role; after each kill the service must be back by itself, and the counts in Redis must be those of
all acknowledged events.  Only `aisle serve` itself is started again here, as systemd does.
`AISLE_EXAMPLES` multiplies the rounds.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log import EventLog, encode_event, read_relation
from feature_repo.home import CHECKOUT, Clock, Settings
from feature_repo.online.redis.server import status
from pipelines.service import free_port
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.counted_events import batch, differing, live_counts
from tests.integration.http.small_shop import Service, build_home
from tests.scale import examples

ROUNDS = 2
ROLES = ("worker", "arbiter", "aisle", "redis", "refresh")
BACK_SECONDS = 10.0
LONGEST_SECONDS = 180.0
_AISLE = str(Path(sys.executable).with_name("aisle"))


@dataclass
class Supervised:
    """A running `aisle serve`, which is started again when this process kills it."""

    settings: Settings
    port: int
    output: Path
    process: "subprocess.Popen[bytes] | None" = None
    first_start_seconds: float = 0.0

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start `aisle serve`."""
        command = [_AISLE, "serve", "--workers", "2", "--port", str(self.port)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=CHECKOUT, env=self.environment, stdout=output, stderr=output
            )

    def stop(self) -> None:
        """Stop it and all its children."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """Environment of commands on this home."""
        return {**os.environ, "AISLE_HOME": str(self.settings.home.root)}

    def find(self, role: str) -> psutil.Process | None:
        """Return a process of a role, if there is one."""
        assert self.process is not None
        aisle = psutil.Process(self.process.pid)
        if role == "aisle":
            return aisle
        children = aisle.children(recursive=True)
        arbiter = next((c for c in children if "bentoml" in c.cmdline() and c.children()), None)
        if role == "redis":
            server = status(self.settings)["pid"]
            return psutil.Process(int(str(server))) if server else None
        if role == "worker" and arbiter is not None:
            return next((c for c in arbiter.children() if "worker" in " ".join(c.cmdline())), None)
        return arbiter if role == "arbiter" else None

    def is_back(self) -> bool:
        """Return whether rankings are complete and every acknowledged event counts."""
        try:
            with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as http:
                body = {"items": [{"id": "two-a"}], "user": "two-u"}
                answers = [http.post("/rank/default", json=body) for _ in range(4)]
            return all(a.status_code == 200 and a.json()["degraded"] == [] for a in answers)
        except (httpx.TransportError, ValueError):
            return False


@dataclass
class Sender(threading.Thread):
    """Sends batches, each until it is acknowledged; waits while `may_send` is not set."""

    supervised: Supervised
    numbers: Iterator[int]
    clock: Clock
    may_send: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)
    stopping: bool = False
    acknowledged: list[AnyEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Send until stopped."""
        while not self.stopping:
            if not self.may_send.is_set():
                self.idle.set()
                self.may_send.wait(1)
                continue
            self.idle.clear()
            events = batch(next(self.numbers), self.clock)
            while not self._is_acknowledged(b"\n".join(map(encode_event, events))):
                time.sleep(0.05)
            self.acknowledged += events

    def _is_acknowledged(self, body: bytes) -> bool:
        try:
            answer = httpx.post(
                f"{self.supervised.url}/events", content=body, timeout=30, trust_env=False
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200


@dataclass
class Loader(threading.Thread):
    """Ingests files and refreshes the home, over and over; a killed command is repeated."""

    supervised: Supervised
    folder: Path
    clock: Clock
    stopping: bool = False
    ingested: list[str] = field(default_factory=list)
    running: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Run until stopped."""
        for number in itertools.count():
            ids = [f"file-{number}-{n}" for n in range(50)]
            path = self.folder / f"{number}.jsonl"
            path.write_bytes(b"".join(self._line(id_) for id_ in ids))
            while not self._succeeds("ingest", "--late", str(path)):
                if self.stopping:
                    return
            self.ingested += ids
            while not self._succeeds("refresh", "--wait"):
                if self.stopping:
                    return
            if self.stopping:
                return

    def _succeeds(self, *arguments: str) -> bool:
        self.running = subprocess.Popen(
            [_AISLE, *arguments, "--json"],
            cwd=CHECKOUT,
            env=self.supervised.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.running.wait() == 0

    def _line(self, event_id: str) -> bytes:
        at = self.clock.now() // 1_000_000
        return (
            f'{{"kind":"interaction","event_id":"{event_id}","event_time":{at},'
            '"item_id":"of-files","type":"click"}\n'
        ).encode()


def killed(_: Service) -> Measured:
    """Kill one process after the other."""
    with tempfile.TemporaryDirectory() as folder:
        settings = build_home(Path(folder) / "home")
        clock = Clock.of(settings)
        with _running(settings, Path(folder)) as (supervised, senders, loader):
            seconds, wrong = [], 0
            for role in ROLES * examples(ROUNDS):
                seconds.append(_kill(role, supervised, loader))
                wrong += _differences(supervised, senders, clock)
            lost, doubled = _lost_and_doubled(settings, senders, loader, clock)
    held = lost == doubled == wrong == 0 and max(seconds) <= BACK_SECONDS
    sent = sum(len(sender.acknowledged) for sender in senders) + len(loader.ingested)
    return Measured(
        held,
        f"{len(seconds)} kills, {sent} acknowledged events: {lost} lost, {doubled} doubled, "
        f"{wrong} counts differ; back after {sorted(seconds)[len(seconds) // 2]:.1f} s (median), "
        f"{max(seconds):.1f} s (longest); the first start took "
        f"{supervised.first_start_seconds:.1f} s",
    )


@contextmanager
def _running(settings: Settings, folder: Path) -> Iterator[tuple[Supervised, list[Sender], Loader]]:
    supervised = Supervised(settings, free_port(), folder / "serve.log")
    clock, numbers = Clock.of(settings), itertools.count()
    senders = [Sender(supervised, numbers, clock) for _ in range(2)]
    loader = Loader(supervised, folder, clock)
    started = time.monotonic()
    supervised.start()
    try:
        _until(supervised.is_back)
        supervised.first_start_seconds = time.monotonic() - started
        for thread in (*senders, loader):
            thread.start()
        _resume(senders)
        yield supervised, senders, loader
    finally:
        loader.stopping = True
        for sender in senders:
            sender.stopping = True
        supervised.stop()


def _kill(role: str, supervised: Supervised, loader: Loader) -> float:
    """Kill a process of a role; return the seconds until the service is back."""
    if role == "refresh":
        _until(lambda: loader.running is not None and loader.running.poll() is None)
        assert loader.running is not None
        loader.running.kill()
        started = time.monotonic()
    else:
        _until(lambda: supervised.find(role) is not None)
        process = supervised.find(role)
        assert process is not None
        process.kill()
        started = time.monotonic()
        if role == "aisle":
            assert supervised.process is not None
            supervised.process.wait()
            supervised.start()
    _until(supervised.is_back)
    back = time.monotonic() - started
    sys.stderr.write(f"  {role}: back after {back:.1f} s\n")
    return back


def _differences(supervised: Supervised, senders: list[Sender], clock: Clock) -> int:
    """Return how many counts in Redis differ from those of the acknowledged events.

    A request that was on its way when the service was back may still be acknowledged without Redis:
    then answers say `events` in `degraded`, and the counts are compared when they no longer do.
    """
    for sender in senders:
        sender.may_send.clear()
        sender.idle.clear()
    for sender in senders:
        sender.idle.wait()
    _until(supervised.is_back)
    sent = [event for sender in senders for event in sender.acknowledged]
    t = clock.now()
    wrong = list(differing(sent, live_counts(supervised.settings, t), t))
    _resume(senders)
    for difference in wrong:
        sys.stderr.write(f"  differs: {difference}\n")
    return len(wrong)


def _lost_and_doubled(
    settings: Settings, senders: list[Sender], loader: Loader, clock: Clock
) -> tuple[int, int]:
    """Return how many acknowledged events the log lacks, or has twice."""
    for sender in senders:
        sender.stopping = True
        sender.join()
    loader.stopping = True
    loader.join()
    log = EventLog(settings.home, clock)
    log.seal()
    log.compact()
    kinds = ("ranking", "interaction")
    paths = [path for kind in kinds for path in log.relation_paths(kind)]
    logged = Counter(event.event_id for path in paths for event in read_relation(path))
    sent = {event.event_id for sender in senders for event in sender.acknowledged}
    return len({*sent, *loader.ingested} - logged.keys()), sum(n > 1 for n in logged.values())


def _resume(senders: list[Sender]) -> None:
    for sender in senders:
        sender.may_send.set()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"expected recovery within {LONGEST_SECONDS:g} s")
        time.sleep(0.05)


FAULTS = (
    Fault(
        name="kill -9",
        done="Processes are killed under load: worker, arbiter, `aisle serve`, Redis and a refresh",
        expected="no acknowledged event is lost or doubled, Redis has the counts of the log after "
        f"each kill, and the service is back by itself within {BACK_SECONDS:g} s",
        measure=killed,
        test="tests/integration/http/test_http_two_servers.py"
        "::test_counts_match_the_log_after_a_server_and_redis_are_killed",
    ),
)
