"""The home of a small shop, like a finished `make demo`, and its service as a process."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import numpy as np
import psutil
import pyarrow.dataset as ds
import xgboost

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import CHECKOUT, SECOND, Clock, Home, Settings, to_text
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.request_features import feature_columns
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import Shop
from pipelines.service import free_port
from pipelines.service.service_process import environment
from pipelines.steps import refresh
from tests.scale import seconds
from training.artifacts import publish
from training.monitoring.snapshot import Snapshot
from training.ranker import Ranker
from training.retrieval.indexes import Popularity
from training.studies.simulation import simulate

READY_SECONDS = 120.0
SIMULATED_ITEM = re.compile(r"i\d+")


@dataclass
class Service:
    """A running service, and the home it serves."""

    settings: Settings
    url: str
    process: "subprocess.Popen[bytes]"
    http: httpx.Client

    @property
    def home(self) -> Home:
        return self.settings.home

    @cached_property
    def items(self) -> list[str]:
        """Ids of simulated items that were shown and are still for sale.

        Tests of odd events leave items of other ids, which later refreshes add to the features.
        """
        shown = [*filter(SIMULATED_ITEM.fullmatch, self._ids("item_engagement", "item_id"))]
        answer = self.rank(shown).raise_for_status().json()
        return sorted(set(shown) - set(answer["dropped"]))

    @cached_property
    def users(self) -> list[str]:
        """Ids of users with events."""
        return self._ids("user_recent", "user_id")

    @cached_property
    def clock(self) -> Clock:
        return Clock.of(self.settings)

    @cached_property
    def log(self) -> EventLog:
        return EventLog(self.home, self.clock)

    @property
    def workers(self) -> list[psutil.Process]:
        """The child processes of the service."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def rank(self, items, model="default", params=None, **body):
        """Request a ranking; items are ids, or objects of the body."""
        listed = [item if isinstance(item, dict) else {"id": item} for item in items]
        return self.http.post(f"/rank/{model}", json={"items": listed, **body}, params=params)

    def search(self, query, params=None, **body):
        """Request a page of a search."""
        return self.http.post("/search", json={"query": query, **body}, params=params)

    def recommend(self, surface, params=None, **body):
        """Request a page of recommendations."""
        return self.http.post(f"/recommend/{surface}", json=body, params=params)

    def explain(self, items, **body):
        """Return the feature values of each item, by item."""
        answer = self.rank(items, params={"explain": "1"}, **body).json()
        assert answer["degraded"] == [], answer
        return {item["item"]: item["features"] for item in answer["items"]}

    def by_popularity(self, items):
        """Return the items in the order of the published popularity snapshot."""
        popularity = Popularity.load(self.home.current / "popularity" / "default")
        scores = dict(zip(items, popularity.apply(items), strict=True))
        return sorted(items, key=scores.__getitem__, reverse=True)

    def click(self, item, **fields):
        """Send a click at the current instant; return the event and the answer."""
        event = {
            "kind": "interaction",
            "event_id": uuid.uuid4().hex,
            "event_time": self.clock.now(),
            "item_id": item,
            "type": "click",
            **fields,
        }
        return event, self.http.post("/events", json=event)

    def metric(self, line):
        """Return the value of one line of `/metrics`; 0 where it is absent."""
        values = [
            float(text.rpartition(" ")[2])
            for text in self.http.get("/metrics").text.splitlines()
            if text.rpartition(" ")[0] == line
        ]
        return values[0] if values else 0.0

    def output(self):
        """Return the output of the service."""
        return (self.home.root / "service.log").read_text()

    def eventually(self, condition, limit=30.0):
        """Return the first true result of a condition, or the last one after `limit` seconds."""
        deadline = time.monotonic() + seconds(limit)
        while not (result := condition()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return result

    def _ids(self, view, key):
        rows = ds.dataset(self.home.features / view).to_table(columns=[key])
        return sorted(set(rows[key].to_pylist()))


def build_home(root: Path, *, users: int = 30, items: int = 60, days: int = 6) -> Settings:
    """A home with events ingested, features online and indexes published."""
    home = Home(root)
    source = simulate(root.parent / "events.jsonl", users=users, items=items, days=days, seed=3)
    root.mkdir(parents=True, exist_ok=True)
    last = _last_event_time(source)
    settings = Settings(home=home, clock=to_text(last + SECOND), record_share=1.0)
    ingest([source], home=home, clock=Clock.of(settings))
    ensure_redis(settings)
    refresh(settings)
    return settings


def publish_ranker(
    home: Home, build: Path, name: str = "default", seed: int = 0, depth: int = 3, trees: int = 20
) -> str:
    """Publish a ranker fitted to noise: tests need its scores, not their quality."""
    columns = feature_columns(Shop.load(home.shop_toml))
    rng = np.random.default_rng(seed)
    rows = xgboost.DMatrix(rng.normal(size=(400, len(columns))), rng.normal(size=400))
    booster = xgboost.train({"max_depth": depth, "nthread": 1}, rows, trees)
    Ranker(columns, RatePrior(0.1), booster).save(build)
    learned = rng.normal(size=(400, len(columns))).astype(np.float32)
    Snapshot.of(columns, [learned], len(learned)).save(build)
    manifest = {"columns": columns, "feature_service": {"name": "ranking_v1"}}
    return publish(home, "ranker", name, build, manifest)


def read_once(connection, query):
    """Return the context that a service would read for a query, in a new event loop."""

    async def once():
        try:
            return await connection.read(query)
        finally:
            connection.close()

    return asyncio.run(once())


@contextmanager
def run_service(
    settings: Settings,
    *,
    descriptors: int | None = None,
    target: str = "serving.http.service:Aisle",
    folder: Path = CHECKOUT,
    **variables: str,
) -> Iterator[Service]:
    """Run the service on a free port, with the home's Redis, until the block ends.

    Args:
        descriptors: limit of open files of each process.
        target: the service, or the tag of a Bento.
        folder: working directory.
    """
    port = free_port()
    ensure_redis(settings)
    command = [
        sys.executable,
        "-m",
        "bentoml",
        "serve",
        target,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    if descriptors is not None:
        command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    output = settings.home.root / "service.log"
    (settings.home.bentoml / str(port)).mkdir(parents=True, exist_ok=True)
    with output.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment(settings, port), "AISLE_DRAIN": "0.2", **variables},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=seconds(20), trust_env=False) as http:
            service = Service(settings, url, process, http)
            assert service.eventually(lambda: _answers(service), READY_SECONDS), output.read_text()
            yield service
    finally:
        process.terminate()
        process.wait(seconds(30))


def kill_redis(settings: Settings) -> None:
    """Kill the home's Redis server as a crash would."""
    with redis_client(ensure_redis(settings)) as client:
        os.kill(client.info("server")["process_id"], 9)


def _answers(service: Service) -> bool:
    assert service.process.poll() is None, (service.home.root / "service.log").read_text()
    try:
        return service.http.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def _last_event_time(source: Path) -> int:
    with source.open() as lines:
        return max(json.loads(line)["event_time"] for line in lines)
