"""The join through Feast against an as-of join written independently in DuckDB."""

import random

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import InteractionEvent, ItemEvent, RankingEvent, ShownItem
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, Home
from feature_repo.offline.feast import features_at
from feature_repo.online.redis import RedisAddress
from feature_repo.transformations import transform
from tests.feature_repo.histories import START, write_log, write_shop
from tests.feature_repo.shops import ODD


def events_of(seed):
    """A few hundred events of a small shop over a month."""
    draw = random.Random(seed)
    for n in range(400):
        at = START + draw.randrange(30 * DAY)
        name, item, user = f"{n:03d}", f"i{draw.randrange(9)}", f"u{draw.randrange(7)}"
        yield RankingEvent(
            event_id=name,
            event_time=at,
            received_at=at + draw.choice([0, 0, DAY]),
            request_id=name,
            user_id=user,
            session_id=f"s{draw.randrange(9)}",
            query=draw.choice(["red", "blue", None]),
            items=tuple(ShownItem(f"i{k}") for k in draw.sample(range(9), 4)),
        )
        yield ItemEvent(
            event_id=f"{name}i", event_time=at, item_id=item, fields={"order": at / 1e6, "rn": True}
        )
        yield InteractionEvent(
            event_id=f"{name}c",
            event_time=at + 5,
            item_id=item,
            type="purchase" if n % 5 == 0 else "click",
            request_id=name,
        )


@pytest.fixture(scope="module")
def joined_home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("joined"))
    write_shop(home, ODD)
    write_log(home, list(events_of(7)))
    transform(home, START)
    repository.render(home, RedisAddress.local(1))
    repository.apply(home)
    return home


@pytest.fixture(scope="module")
def parts(joined_home):
    return repository.open_store(joined_home), Catalogue.of(joined_home)


@pytest.fixture(scope="module")
def views(parts):
    """The views that a ranker can read; the counts of a bandit's arms are for no ranker."""
    return [view for view in parts[1].views if view.entities != ["arm"]]


def keys_of(seed, n=300):
    """Draw keys, some null or unknown, at random instants and exactly at instants of events."""
    draw = random.Random(seed)
    seen = [event.seen_at for event in events_of(7)]
    rows = [
        {
            "item_id": draw.choice([*(f"i{k}" for k in range(9)), "unknown", None]),
            "user_id": draw.choice([*(f"u{k}" for k in range(7)), None]),
            "session_id": draw.choice([*(f"s{k}" for k in range(9)), None]),
            "query_key": draw.choice(["default|red", "default|blue", None]),
            "market": draw.choice(["default", "unknown", None]),
            "t": draw.choice(
                [draw.choice(seen) + draw.choice([0, 1]), START + draw.randrange(40 * DAY)]
            ),
        }
        for _ in range(n)
    ]
    rows += rows[:20]
    table = pa.Table.from_pylist(rows)
    instants = table["t"].cast(pa.timestamp("us", tz="UTC"))
    return table.append_column("event_timestamp", instants)


def as_of(home, view, keys):
    """Join with DuckDB's as-of join, strictly before each instant, by when an event was seen."""
    features = [f.name for f in view.features]
    columns = ", ".join(f'stored."{name}" as "{view.name}__{name}"' for name in features)
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.register("keys", keys.append_column("row", pa.array(range(keys.num_rows))))
        return db.sql(
            f"""
            select {columns}, stored.part is not null as "{view.name}__present"
            from keys asof left join read_parquet('{home.features / view.name}/*.parquet') as stored
            on keys."{view.join_keys[0]}" = stored."{view.join_keys[0]}"
            and epoch_us(keys.event_timestamp) > epoch_us(stored.event_timestamp) - 1
            order by row
            """
        ).to_arrow_table()


def test_every_view_agrees_with_an_independent_as_of_join(joined_home, parts, views):
    keys = keys_of(1)

    for view in views:
        rows = features_at(*parts, keys, [view]).to_pylist()
        expected = as_of(joined_home, view, keys).to_pylist()

        names = rows[0].keys()
        assert rows == [{name: row[name] for name in names} for row in expected]
        assert any(row[f"{view.name}__present"] for row in rows)


def test_result_has_one_row_per_key_row_in_the_same_order(parts, views):
    keys = keys_of(2, n=50)

    table = features_at(*parts, keys, views)

    assert table.num_rows == keys.num_rows == 70
    assert {name.split("__")[0] for name in table.column_names} == {v.name for v in views}


def test_data_frame_gives_the_same_result_as_a_table(parts):
    keys = keys_of(3, n=40)
    view = parts[1].view("item_engagement")

    assert features_at(*parts, keys.to_pandas(), [view]) == features_at(*parts, keys, [view])


def test_no_keys_and_null_keys_give_typed_nulls(parts):
    _, catalogue = parts
    instants = pd.to_datetime([START], unit="us", utc=True)
    nobody = pd.DataFrame({"user_id": pd.Series([None], dtype=object), "event_timestamp": instants})

    for frame in (nobody, nobody.iloc[:0]):
        table = features_at(*parts, frame, [catalogue.view("user_recent")])
        assert table.num_rows == len(frame)
        assert table["user_recent__present"].to_pylist() == [False] * len(frame)
        assert pa.types.is_list(table.schema.field("user_recent__shown_at").type)


def test_event_counts_only_after_its_own_microsecond(home):
    write_log(home, [InteractionEvent(event_id="1", event_time=START, item_id="i", type="click")])
    transform(home, START)
    repository.render(home, RedisAddress.local(1))
    store, catalogue = repository.apply(home), Catalogue.of(home)
    instants = pd.to_datetime([START - 1, START, START + 1], unit="us", utc=True)

    table = features_at(
        store,
        catalogue,
        pd.DataFrame({"item_id": "i", "event_timestamp": instants}),
        [catalogue.view("item_engagement")],
    )

    assert table["item_engagement__present"].to_pylist() == [False, False, True]
    assert table["item_engagement__clicks_all"].to_pylist() == [None, None, 1]
