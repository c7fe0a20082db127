"""A small simulated shop, compacted and transformed, to fit indexes on."""

import json

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import SECOND, Clock, Home, Settings, to_text
from feature_repo.transformations import transform
from training.studies.simulation import simulate


@pytest.fixture(scope="session")
def small_home(tmp_path_factory):
    root = tmp_path_factory.mktemp("retrieval")
    source = simulate(root / "events.jsonl", users=40, items=60, days=6, seed=3)
    last = max(json.loads(line)["event_time"] for line in source.read_text().splitlines())
    home = Home(root / "home")
    clock = Clock.of(Settings(home=home, clock=to_text(last + SECOND)))
    ingest([source], home=home, clock=clock)
    log = EventLog(home, clock)
    log.seal()
    log.compact()
    transform(home, clock.now())
    return home
