"""Defects of stock Feast's DuckDB store that Aisle's store does not have."""

from datetime import UTC as ZONE
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64
from feast.utils import _convert_arrow_to_proto

from feature_repo.home import CatalogueError
from tests.feature_repo.offline.repositories import UTC, instants, item, repository, view_of, write

X = Field(name="x", dtype=Float64)


def stats(events=(10, 20), created=None, **columns):
    """Columns of rows of item 1."""
    return {
        "item_id": [1] * len(events),
        "event_timestamp": instants(events),
        "created_timestamp": instants(created or events),
        **(columns or {"x": [float(n) for n in range(len(events))]}),
    }


def entity_rows(*seconds, key=1):
    times = pd.to_datetime(list(seconds), unit="s", utc=True)
    return pd.DataFrame({"item_id": key, "event_timestamp": times})


def newest(store, source, start=0, end=365 * 86_400):
    """Pull the rows that materialize reads between two seconds."""
    created = source.created_timestamp_column or None
    span = [datetime.fromtimestamp(second, ZONE) for second in (start, end)]
    return (
        store._get_provider()
        .offline_store.pull_latest_from_table_or_query(
            store.config, source, ["item_id"], ["x"], "event_timestamp", created, *span
        )
        .to_arrow()
    )


def test_later_correction_does_not_change_the_past(tmp_path):
    path = write(tmp_path, "stats", stats([10, 10], [10, 50], x=[1.0, 2.0]))
    pair = repository(tmp_path, [item, view_of(path, fields=[X])])

    aisle = pair.joined(entity_rows(20, 50), ["stats:x"])
    stock = pair.stock_joined(entity_rows(20, 50), ["stats:x"], filter_by_created_timestamp=False)

    assert aisle["x"].to_pylist() == [1.0, 2.0]
    assert stock["x"].to_pylist() == [2.0, 2.0]


def test_configuration_can_disable_the_created_time_filter(tmp_path):
    path = write(tmp_path, "stats", stats([10, 10], [10, 50], x=[1.0, 2.0]))
    pair = repository(
        tmp_path, [item, view_of(path, fields=[X])], filter_by_created_timestamp=False
    )

    assert pair.joined(entity_rows(20), ["stats:x"])["x"].to_pylist() == [2.0]
    by_the_call = pair.joined(entity_rows(20), ["stats:x"], filter_by_created_timestamp=True)
    assert by_the_call["x"].to_pylist() == [1.0]


def test_large_integers_with_nulls_keep_all_digits(tmp_path):
    exact = 2**53 + 1
    path = write(tmp_path, "stats", stats([10, 20], n=[exact, None]))
    pair = repository(tmp_path, [item, view_of(path, fields=[Field(name="n", dtype=Int64)])])
    frame = entity_rows(10, 20)

    aisle = pair.aisle.get_historical_features(frame, ["stats:n"]).to_df()
    stock = pair.stock.get_historical_features(frame.copy(), ["stats:n"]).to_df()

    assert int(aisle["n"][0]) == exact
    assert pd.isna(aisle["n"][1])
    assert int(stock["n"].dropna().iloc[0]) != exact


def test_small_integers_with_nulls_are_floats_as_in_stock(tmp_path):
    path = write(tmp_path, "stats", stats([10, 20], n=[7, None]))
    pair = repository(tmp_path, [item, view_of(path, fields=[Field(name="n", dtype=Int64)])])

    frames = [
        s.get_historical_features(entity_rows(10, 20), ["stats:n"]).to_df()
        for s in (pair.aisle, pair.stock)
    ]

    assert frames[0]["n"].dtype == frames[1]["n"].dtype == "float64"


def test_feature_name_may_end_in_y(tmp_path):
    path = write(tmp_path, "stats", stats([10], position_y=[4.0]))
    fields = [Field(name="position_y", dtype=Float64)]
    pair = repository(tmp_path, [item, view_of(path, fields=fields)])

    assert pair.joined(entity_rows(10), ["stats:position_y"])["position_y"].to_pylist() == [4.0]
    with pytest.raises(Exception, match="position_y"):
        pair.stock_joined(entity_rows(10), ["stats:position_y"])


def test_relative_path_starts_from_the_repository(tmp_path, monkeypatch):
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    write(tmp_path, "stats", stats([10], x=[3.0]))
    pair = repository(tmp_path, [item, view_of("stats.parquet", fields=[X])])
    monkeypatch.chdir(other_folder)

    assert pair.joined(entity_rows(10), ["stats:x"])["x"].to_pylist() == [3.0]
    with pytest.raises(Exception, match=r"stats\.parquet"):
        pair.stock_joined(entity_rows(10), ["stats:x"])


def test_entity_rows_may_be_sql(tmp_path):
    path = write(tmp_path, "stats", stats([10], x=[3.0]))
    pair = repository(tmp_path, [item, view_of(path, fields=[X])])
    write(tmp_path, "entity_rows", {"item_id": [1, 2], "seen": instants([11, 11])})
    sql = "select item_id, seen as event_timestamp from 'entity_rows.parquet' order by item_id"

    assert pair.joined(sql, ["stats:x"])["x"].to_pylist() == [3.0, None]
    with pytest.raises(AttributeError):
        pair.stock.get_historical_features(sql, ["stats:x"])


def test_entity_rows_may_be_an_arrow_table(tmp_path):
    path = write(tmp_path, "stats", stats([10], x=[3.0]))
    pair = repository(tmp_path, [item, view_of(path, fields=[X])])
    table = pa.table({"item_id": [2, 1], "event_timestamp": instants([11, 11])})

    assert pair.joined(table, ["stats:x"])["x"].to_pylist() == [None, 3.0]
    with pytest.raises((AttributeError, TypeError)):
        pair.stock.get_historical_features(table, ["stats:x"])


def test_times_in_nanoseconds_are_accepted(tmp_path):
    nanoseconds = pa.timestamp("ns", tz="UTC")
    rows = stats([10, 20], x=[1.0, 2.0])
    rows |= {n: rows[n].cast(nanoseconds) for n in ("event_timestamp", "created_timestamp")}
    path = write(tmp_path, "stats", rows)
    view = view_of(path, fields=[X])
    pair = repository(tmp_path, [item, view])

    assert pair.joined(entity_rows(9, 15, 20), ["stats:x"])["x"].to_pylist() == [None, 1.0, 2.0]
    assert newest(pair.aisle, view.batch_source)["x"].to_pylist() == [2.0]
    with pytest.raises(Exception, match="TIMESTAMPTZ_NS"):
        newest(pair.stock, view.batch_source)


def test_feature_log_creates_its_folder(tmp_path):
    path = write(tmp_path, "stats", stats([10]))
    view = view_of(path, fields=[X])
    pairs = {}
    for name in ("aisle", "stock"):
        destination = FileLoggingDestination(path=str(tmp_path / name / "log"))
        service = FeatureService(
            name=name, features=[view], logging_config=LoggingConfig(destination=destination)
        )
        pairs[name] = service
    pair = repository(tmp_path, [item, view, *pairs.values()])
    logged = pa.table({"item_id": [1], "stats__x": [2.0]})

    pair.aisle.write_logged_features(logged, pairs["aisle"])

    written = pq.read_table(tmp_path / "aisle/log")
    assert written.to_pylist() == logged.to_pylist()
    with pytest.raises(Exception, match=r"(?i)no such file|cannot open|directory"):
        pair.stock.write_logged_features(logged, pairs["stock"])


def test_offline_push_to_a_folder_rewrites_no_file(tmp_path):
    (tmp_path / "rows").mkdir()
    write(tmp_path / "rows", "first", stats([10], x=[1.0]))
    before = (tmp_path / "rows/first.parquet").stat()
    source = view_of(str(tmp_path / "rows"), fields=[X], file_format=ParquetFormat())
    pair = repository(tmp_path, [item, source])
    more = pa.table(stats([30], x=[9.0])).to_pandas()

    pair.aisle.write_to_offline_store("stats", more)

    after = (tmp_path / "rows/first.parquet").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert len(list((tmp_path / "rows").glob("*.parquet"))) == 2
    assert pair.joined(entity_rows(20, 30), ["stats:x"])["x"].to_pylist() == [1.0, 9.0]
    with pytest.raises(Exception, match="File exists"):
        pair.stock.write_to_offline_store("stats", more)


def test_offline_push_to_a_file_replaces_it_atomically(tmp_path):
    path = write(tmp_path, "stats", stats([10], x=[1.0]))
    pair = repository(tmp_path, [item, view_of(path, fields=[X])])
    with Path(path).open("rb") as file:
        pair.aisle.write_to_offline_store("stats", pa.table(stats([30], x=[9.0])).to_pandas())
        before = pq.read_table(file)

    assert before.num_rows == 1
    assert pair.joined(entity_rows(20, 30), ["stats:x"])["x"].to_pylist() == [1.0, 9.0]


def test_missing_column_is_named_with_its_file(tmp_path):
    path = write(tmp_path, "stats", stats([10]))
    view = view_of(path, fields=[X, Field(name="clicks", dtype=Int64)])
    pair = repository(tmp_path, [item, view])

    with pytest.raises(CatalogueError, match=r"stats\.parquet has no column 'clicks'"):
        pair.joined(entity_rows(10), ["stats:clicks"])
    with pytest.raises(TypeError, match="entity_row_id"):
        pair.stock_joined(entity_rows(10), ["stats:clicks"])


def test_source_without_its_time_column_is_not_registered(tmp_path):
    rows = {name: column for name, column in stats([10]).items() if name != "created_timestamp"}
    source = view_of(write(tmp_path, "stats", rows), fields=[X]).batch_source
    pair = repository(tmp_path, [])

    validate = {
        name: getattr(pair, name)._get_provider().validate_data_source
        for name in ("aisle", "stock")
    }

    with pytest.raises(CatalogueError, match="no column 'created_timestamp'"):
        validate["aisle"](pair.aisle.config, source)
    assert validate["stock"](pair.stock.config, source) is None
    assert (
        validate["aisle"](pair.aisle.config, view_of(str(tmp_path / "none")).batch_source) is None
    )


def test_column_of_another_type_than_declared_is_rejected(tmp_path):
    path = write(tmp_path, "stats", stats([10], x=["seven"]))
    pair = repository(tmp_path, [item, view_of(path, fields=[X])])

    with pytest.raises(CatalogueError, match=r"'x' is declared Float64, but .* holds string"):
        pair.joined(entity_rows(10), ["stats:x"])
    assert pair.stock_joined(entity_rows(10), ["stats:x"])["x"].to_pylist() == ["seven"]


def test_late_row_is_in_the_next_increment(tmp_path):
    path = write(tmp_path, "stats", stats([10, 20], [10, 70], x=[1.0, 2.0]))
    view = view_of(path, fields=[X])
    pair = repository(tmp_path, [item, view])

    first, second, third = [
        [
            newest(store, view.batch_source, *span)["x"].to_pylist()
            for store in (pair.aisle, pair.stock)
        ]
        for span in ((0, 15), (60, 80), (80, 90))
    ]

    assert first == [[1.0], [1.0]]
    assert second == [[2.0], []]
    assert third == [[], []]


def test_singleton_view_is_computed_for_every_row(tmp_path):
    view = view_of(write(tmp_path, "stats", stats([10, 20], x=[1.0, 2.0])), fields=[X])

    @on_demand_feature_view(
        sources=[view], schema=[Field(name="twice", dtype=Float64)], mode="python", singleton=True
    )
    def doubled(row: dict[str, Any]) -> dict[str, Any]:
        return {"twice": row["x"] * 2}

    with pytest.warns(RuntimeWarning, match="experimental"):
        pair = repository(tmp_path, [item, view, doubled])
    refs = ["stats:x", "doubled:twice"]

    assert pair.joined(entity_rows(10, 20), refs)["twice"].to_pylist() == [2.0, 4.0]
    with pytest.raises(pa.ArrowInvalid, match="length"):
        pair.stock_joined(entity_rows(10, 20), refs)


def test_row_within_the_next_microsecond_is_in_the_future(tmp_path):
    nanoseconds = pa.array([1_000, 2_001], pa.timestamp("ns", tz="UTC"))
    rows = {"item_id": [1, 1], "event_timestamp": nanoseconds, "x": [1.0, 2.0]}
    pair = repository(
        tmp_path, [item, view_of(write(tmp_path, "stats", rows), fields=[X], created=False)]
    )
    table = pa.table({"item_id": [1, 1, 1], "event_timestamp": pa.array([1, 2, 3], UTC)})

    assert pair.joined(table, ["stats:x"])["x"].to_pylist() == [1.0, 1.0, 2.0]


def test_key_map_of_one_key_joins_on_both_keys(tmp_path):
    from feast import Entity, ValueType

    shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
    rows = stats([10, 10], x=[1.0, 2.0]) | {"shop": ["a", "b"]}
    path = write(tmp_path, "stats", rows)
    view = view_of(path, entity=[item, shop], fields=[X])
    pair = repository(tmp_path, [item, shop, view])
    service = FeatureService(name="s", features=[view.with_join_key_map({"item_id": "bought"})])
    pair.aisle.apply([service])
    pair.stock.refresh_registry()
    frame = entity_rows(10, 10).rename(columns={"item_id": "bought"}).assign(shop=["a", "b"])

    assert pair.joined(frame, service)["x"].to_pylist() == [1.0, 2.0]
    assert sorted(pair.stock_joined(frame, service)["x"].to_pylist()) != [1.0, 2.0]


def test_newest_rows_are_in_one_chunk(tmp_path):
    (tmp_path / "rows").mkdir()
    for n in range(3):
        rows = stats([10], x=[float(n)]) | {"item_id": [n]}
        write(tmp_path / "rows", str(n), rows)
    source = FileSource(
        path=str(tmp_path / "rows"), file_format=ParquetFormat(), timestamp_field="event_timestamp"
    )
    view = FeatureView(name="stats", entities=[item], schema=[X], source=source)
    pair = repository(tmp_path, [item, view])

    table = newest(pair.aisle, source)

    assert table["x"].num_chunks == 1
    assert table["x"].to_pylist() == [0.0, 1.0, 2.0]
    kinds = {"item_id": ValueType.INT64}
    in_chunks = pa.concat_tables([table.slice(n, 1) for n in range(3)])
    view = pair.aisle.get_feature_view("stats")
    assert len(_convert_arrow_to_proto(table, view, kinds)) == 3
    assert len(_convert_arrow_to_proto(in_chunks, view, kinds)) == 1
