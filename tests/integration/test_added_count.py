"""Two lines add a windowed count to the platform; an error names a forgotten line."""

import json
import shutil
import subprocess
import sys

import pytest

from feature_repo.home import CHECKOUT

DECLARED = (
    "feature_repo/views/counters.py",
    """description="How shoppers responded to an item.",
        measures=_RESPONSE,""",
    """description="How shoppers responded to an item.",
        measures={**_RESPONSE, "wishes": Measure("Wishes", ("wish",))},""",
)
SQL = "feature_repo/transformations/features/item_engagement.sql"
COMPUTED = (
    SQL,
    """    if(type = 'view', sign, 0) as views,
""",
    """    if(type = 'view', sign, 0) as views,
    if(type = 'wish', sign, 0) as wishes,
""",
)
READ = (SQL, "or type = 'view'\n", "or type in ('view', 'wish')\n")
SHOP = """
import sys
from contextlib import closing
from pathlib import Path
from feature_repo.home.clock import Clock
from feature_repo.events.contract.events import InteractionEvent
from feature_repo.events.log.log import EventLog
from feature_repo.home.home import Home
from feature_repo.transformations.run import transform

home, clock = Home(Path(sys.argv[1])), Clock()
home.root.mkdir()
log = EventLog(home, clock)

def wish(name, days_ago):
    at = clock.now() - days_ago * 86_400_000_000
    event = InteractionEvent(
        event_id=name, event_time=at, received_at=0, item_id="i", type="wish"
    )
    with closing(log.writer()) as segment:
        return segment.append([event])

def rows():
    log.seal()
    log.compact()
    transform(home, clock.now())

"""
THREE_PATHS = """
import json
import duckdb
import pyarrow as pa
from feature_repo import feast_repo
from feature_repo.catalogue import Catalogue
from feature_repo.offline.feast.point_in_time import features_at
from feature_repo.online.live.writer import LiveWriter
from feature_repo.online.hydration.reader import OnlineReader
from feature_repo.online.redis.server import RedisAddress, redis_client
from feature_repo.shop.schema import Shop

address = RedisAddress.parse(sys.argv[2])
feast_repo.render(home, address)
shop, client = Shop.load(home.shop_toml), redis_client(address, timeout=60)
reader = OnlineReader(home, shop, client)
writer = LiveWriter(home, shop, client, log, clock, reader)
wish("old", 3)
rows()
store = feast_repo.apply(home)
feast_repo.repository.materialize(home, clock.now())
writer.apply(wish("new", 0))
t = clock.now()
live = reader.read(user_id=None, query_key=None, item_ids=["i"], t=t).items
rows()
names = [f"wishes_{window}" for window in ("1d", "7d", "30d", "all")]
keys = pa.table({"item_id": ["i"], "event_timestamp": pa.array([t], pa.timestamp("us", "UTC"))})
joined = features_at(store, Catalogue.of(home), keys, [Catalogue.of(home).view("item_engagement")])
batch = duckdb.sql(
    f"select {', '.join(names)} from read_parquet('{home.features}/item_engagement/*.parquet') "
    f"where epoch_us(event_timestamp) <= {t} order by event_timestamp desc limit 1"
).fetchall()[0]
print(json.dumps({
    "live": [int(live[f"item_engagement__{name}"][0]) for name in names],
    "joined": [joined[f"item_engagement__{name}"][0].as_py() for name in names],
    "batch": list(batch),
}))
"""
TRANSFORMED = """
wish("old", 3)
rows()
"""


@pytest.fixture
def run(tmp_path, redis_address):
    """Returns a function that runs a script on a copy of the platform with some lines added."""

    def on_a_copy(script, *edits):
        copy = tmp_path / "copy"
        shutil.copytree(CHECKOUT / "feature_repo", copy / "feature_repo")
        for name, before, after in edits:
            text = (copy / name).read_text()
            assert text.count(before) == 1
            (copy / name).write_text(text.replace(before, after))
        command = [sys.executable, "-c", SHOP + script, str(tmp_path / "home"), redis_address.url]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)

    return on_a_copy


def test_two_lines_add_a_count_to_all_three_paths(run):
    done = run(THREE_PATHS, DECLARED, COMPUTED, READ)

    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["live"] == counts["joined"] == counts["batch"]
    assert counts["live"][1:] == [2, 2, 2]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (DECLARED, "item_engagement.sql: expected a column 'wishes'"),
        (COMPUTED, "View 'item_engagement': expected a measure 'wishes'"),
    ],
    ids=["the line of the SQL file", "the line of the catalogue"],
)
def test_an_error_names_a_forgotten_line(run, edit, message):
    done = run(TRANSFORMED, edit)

    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
