"""Views and request features of an installed package pass through every part of the platform."""

import json
import os
import subprocess
import sys

import pytest

from feature_repo.home import CHECKOUT

VIEWS = """
from pathlib import Path

from feature_repo.events.contract import InteractionEvent
from feature_repo.views import CounterView, FieldSpec, LiveValues, Measure, ViewSpec

HERE = Path(__file__).parent

ITEM_WISHES = CounterView(
    name="item_wishes",
    entity="item",
    description="How often an item was put on a list.",
    measures={"wishes": Measure("Times an item was put on a list", ("wish",))},
    sql=HERE / "item_wishes.sql",
)


def last_wish(event, shop):
    if isinstance(event, InteractionEvent) and event.type == "wish" and event.user_id:
        return event.user_id, {"wish_item": event.item_id, "wished_at": event.event_time}
    return None


USER_WISH = ViewSpec(
    name="user_wish",
    entity="user",
    description="The item that a user put on a list last.",
    fields=(
        FieldSpec("wish_item", "text", "The item.", "id"),
        FieldSpec("wished_at", "integer", "When it was put on the list.", "µs since 1970 UTC"),
    ),
    sql=HERE / "user_wish.sql",
    live=LiveValues(last_wish),
)

ITEM_WISH_DAYS = ViewSpec(
    name="item_wish_days",
    entity="item",
    description="The days on which an item was put on a list.",
    fields=(FieldSpec("wish_days", "integer", "Days with a wish, up to midnight.", "days"),),
    sql=HERE / "item_wish_days.sql",
)
"""
FEATURES = '''
from feature_repo.request_features.families import Block


def wishes(context, shop, prior):
    """`wishes__of_week`: the share of the slate's wishes of a week that an item has."""
    counts = context.item_numbers("item_wishes__wishes_7d")
    return [Block(("wishes__of_week",), (counts / counts.sum())[None])]
'''
SQL = {
    "item_wishes": """
        select item_id, seen_at, bucket, part, sign as wishes
        from stg_interactions
        where type = 'wish'
    """,
    "user_wish": """
        select
            user_id,
            make_timestamptz(seen_at + 1) as event_timestamp,
            make_timestamptz(seen_at + 1) as created_timestamp,
            last_value(if(is_newest, item_id, null) ignore nulls) over so_far as wish_item,
            max(event_time) over so_far as wished_at,
            [wished_at, wished_at] as event_times,
            max(part) over so_far as part
        from (
            select *, event_time = max(event_time) over so_far as is_newest
            from stg_interactions
            where type = 'wish' and user_id is not null
            window so_far as (
                partition by user_id order by seen_at, event_id rows unbounded preceding
            )
        )
        window so_far as (partition by user_id order by seen_at, event_id rows unbounded preceding)
        qualify row_number() over (partition by user_id, seen_at order by event_id desc) = 1
    """,
    "item_wish_days": """
        with days as (
            select
                item_id,
                (seen_at // 86400000000 + 1) * 86400000000 as midnight,
                max(part) as part
            from stg_interactions
            where type = 'wish'
            group by item_id, midnight
        )
        select
            item_id,
            make_timestamptz(midnight) as event_timestamp,
            make_timestamptz(midnight) as created_timestamp,
            count(*) over (partition by item_id order by midnight) as wish_days,
            part
        from days
        where midnight <= getvariable('last_seal') + 1
    """,
}
ENTRY_POINTS = """
[aisle.views]
item_wishes = shop_extras.views:ITEM_WISHES
user_wish = shop_extras.views:USER_WISH
item_wish_days = shop_extras.views:ITEM_WISH_DAYS

[aisle.request_features]
wishes = shop_extras.features:wishes
"""
SHOP = """
import json
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from feature_repo import feast_repo
from feature_repo.catalogue import Catalogue, features_page
from feature_repo.events.contract import InteractionEvent, UserEvent
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, Settings
from feature_repo.offline.feast import features_at
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import LiveWriter
from feature_repo.online.redis import RedisAddress, redis_client
from feature_repo.request_features import feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import Shop
from feature_repo.transformations import transform

home = Home(Path(sys.argv[1]))
clock = Clock.of(Settings(home))
shop, log = Shop.load(home.shop_toml), EventLog(home, clock)


def append(event):
    with closing(log.writer()) as segment:
        return segment.append([event])


def wish(name, days_ago, item="i", user="u", late=False):
    at = clock.now() - days_ago * 86_400_000_000
    return append(InteractionEvent(
        event_id=name, event_time=at, received_at=at if days_ago and not late else 0,
        item_id=item, user_id=user, type="wish",
    ))


def rows():
    log.seal()
    log.compact()
    transform(home, clock.now())
    names = ("item_wishes", "user_wish", "item_wish_days")
    files = {name: f"'{home.features}/{name}/*.parquet'" for name in names}
    return {
        name: duckdb.sql(f"from read_parquet({paths}) order by all").fetchall()
        for name, paths in files.items()
    }

"""
SAME_VALUES = """
address = RedisAddress.parse(sys.argv[2])
feast_repo.render(home, address)
client = redis_client(address, timeout=10)
reader = OnlineReader(home, shop, client)
writer = LiveWriter(home, shop, client, log, clock, reader)

wish("old", 3)
wish("other", 2, item="j")
rows()
store = feast_repo.apply(home)
feast_repo.repository.materialize(home, clock.now())
writer.apply(wish("new", 0))
writer.apply(wish("late", 1, item="j", late=True))
t = clock.now()


def read():
    return reader.read(user_id="u", query_key=None, item_ids=["i", "j"], t=t)


live = read()
added = rows()
catalogue = Catalogue.of(home)
joined = {}
for key, ids in (("item_id", ["i", "j"]), ("user_id", ["u"])):
    at = pa.array([t] * len(ids), pa.timestamp("us", "UTC"))
    views = [view for view in catalogue.views if view.join_keys == [key]]
    table = features_at(store, catalogue, pa.table({key: ids, "event_timestamp": at}), views)
    joined |= {name: table[name].to_pylist() for name in table.column_names}
feast_repo.repository.materialize(home, clock.now())
loaded = read()
(home.features / "state").unlink()
rebuilt = rows()

names = [f"item_wishes__wishes_{w}" for w in ("1d", "7d", "30d", "all")]
names += ["item_wish_days__wish_days"]
matrix = feature_matrix(live, shop, RatePrior())
columns = feature_columns(shop)
writer.apply(append(UserEvent(event_id="e", event_time=clock.now(), op="erase", user_id="u")))
print(json.dumps({
    "live": {name: [float(v) for v in live.items[name]] for name in names},
    "loaded": {name: [float(v) for v in loaded.items[name]] for name in names},
    "joined": {name: [float(v) for v in joined[name]] for name in names},
    "user": [live.user["user_wish__wish_item"], live.user["user_wish__wished_at"]],
    "loaded user": [loaded.user["user_wish__wish_item"], loaded.user["user_wish__wished_at"]],
    "joined user": [joined["user_wish__wish_item"][0], joined["user_wish__wished_at"][0]],
    "erased": read().user["user_wish__wish_item"],
    "columns": columns[-10:],
    "last": matrix[:, -1].tolist(),
    "same rows": added == rebuilt,
    "page": [line for line in features_page(home).splitlines() if line.startswith("### ")],
}))
"""


@pytest.fixture
def run(tmp_path, redis_address):
    """Returns a function that runs a script with the package installed, some files changed."""

    def with_the_package(script, **changed):
        package, about = tmp_path / "shop_extras", tmp_path / "shop_extras-1.0.dist-info"
        files = {
            package / "__init__.py": "",
            package / "views.py": VIEWS,
            package / "features.py": FEATURES,
            **{package / f"{name}.sql": sql for name, sql in SQL.items()},
            about / "METADATA": "Metadata-Version: 2.1\nName: shop-extras\nVersion: 1.0\n",
            about / "entry_points.txt": ENTRY_POINTS,
        }
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(changed.get(path.name.replace(".", "_"), text))
        command = [sys.executable, "-c", SHOP + script, str(tmp_path / "home"), redis_address.url]
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{CHECKOUT}"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return with_the_package


def test_installed_views_and_families_reach_every_part(run):
    done = run(SAME_VALUES)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["live"] == result["loaded"] == result["joined"]
    assert result["live"]["item_wishes__wishes_7d"] == [2, 2]
    assert result["live"]["item_wish_days__wish_days"] == [1, 1]
    assert result["user"] == result["loaded user"] == result["joined user"]
    assert result["user"][0] == "i"
    assert result["erased"] is None
    assert result["same rows"]
    assert result["columns"] == [
        "item_wish_days__wish_days",
        "item_wish_days__present",
        *(f"item_wishes__wishes_{window}" for window in ("1d", "7d", "30d", "all")),
        "item_wishes__present",
        "user_wish__wished_at",
        "user_wish__present",
        "wishes__of_week",
    ]
    assert result["last"] == pytest.approx([1 / 2, 1 / 2])
    assert {"### item_wishes", "### user_wish", "### wishes"} <= set(result["page"])


def test_an_error_names_a_column_missing_from_the_sql_of_an_installed_view(run):
    sql = SQL["user_wish"].replace("as wish_item", "as wished_item")

    done = run('wish("old", 3)\nrows()\n', user_wish_sql=sql)

    assert done.returncode == 1
    assert "user_wish.sql: expected the columns user_id" in done.stderr.splitlines()[-1]
