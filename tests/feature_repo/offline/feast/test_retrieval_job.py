"""Retrieval jobs: batches, files on disk, saved datasets, errors."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, Field
from feast.data_format import ParquetFormat
from feast.errors import FeastEntityDFMissingColumnsError, SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Bool, Float64, Int64, String

from feature_repo.home import CatalogueError, SettingError
from feature_repo.offline.join import lookup
from feature_repo.offline.join.resources import parse_bytes
from tests.feature_repo.offline.repositories import instants, item, repository, view_of, write

ROWS = 500
FIELDS = [Field(name="x", dtype=Float64), Field(name="n", dtype=Int64)]
REFS = ["stats:x", "stats:n"]


@pytest.fixture
def pair(tmp_path):
    """Items 0 … 499 with x = half of the item and n null for odd ones, since second 1."""
    rows = {
        "item_id": range(ROWS),
        "event_timestamp": instants([1] * ROWS),
        "x": [n / 2 for n in range(ROWS)],
        "n": [None if n % 2 else n for n in range(ROWS)],
    }
    path = write(tmp_path, "stats", {k: pa.array(v) for k, v in rows.items()}, row_group_size=64)
    return repository(tmp_path, [item, view_of(path, fields=FIELDS, created=False)])


def entity_rows(n=ROWS):
    keys = np.random.default_rng(1).permutation(ROWS)[:n]
    seen = instants(np.where(keys % 10, 2, 0).tolist())
    return pa.table(
        {"item_id": keys, "event_timestamp": seen, "label": keys % 3, "qid": keys // 50}
    )


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(lookup, "MIN_SLICE_ROWS", 70)
    monkeypatch.setattr(lookup, "SLICE_SHARE", 1e12)


def test_slices_batches_and_the_spilled_table_have_the_same_rows(pair, small_slices, monkeypatch):
    job = pair.aisle.get_historical_features(entity_rows(), REFS)

    spilled, batches, on_disk = job.to_arrow(), list(job.to_batches()), job.to_disk()

    monkeypatch.undo()
    whole = pair.aisle.get_historical_features(entity_rows(), REFS).to_arrow()
    assert len(batches) > 5
    assert spilled.equals(whole)
    assert pa.Table.from_batches(batches).equals(whole)
    assert on_disk.equals(whole)
    assert 0 < whole["x"].null_count < ROWS


def test_saved_dataset_is_read_as_it_was_written(pair, tmp_path):
    job = pair.aisle.get_historical_features(entity_rows(20), REFS, full_feature_names=True)
    storage = SavedDatasetFileStorage(path="saved/set.parquet", file_format=ParquetFormat())

    with pytest.warns(RuntimeWarning, match="experimental"):
        pair.aisle.create_saved_dataset(from_=job, name="set", storage=storage)
    with pytest.warns(RuntimeWarning, match="experimental"):
        saved = pair.aisle.get_saved_dataset("set").to_df()

    joined = job.to_df()
    columns = ["item_id", "event_timestamp", "stats__x", "stats__n"]
    expected = joined[columns].sort_values("item_id").reset_index(drop=True)
    saved = saved[columns].sort_values("item_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(saved, expected)
    assert pq.read_metadata(tmp_path / "saved/set.parquet").num_rows == 20


def test_saved_dataset_is_replaced_only_if_overwriting_is_allowed(pair, tmp_path):
    job = pair.aisle.get_historical_features(entity_rows(20), REFS)
    storage = SavedDatasetFileStorage(path=str(tmp_path / "set"), file_format=ParquetFormat())
    job.persist(storage)

    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(storage)
    job.persist(storage, allow_overwrite=True)

    assert pq.read_table(tmp_path / "set").num_rows == 20


def test_names_aliases_and_key_maps_work_as_in_stock_feast(tmp_path):
    path = write(
        tmp_path,
        "stats",
        {"item_id": [1, 2], "event_timestamp": instants([1, 1]), "raw": [1.0, 2.0]},
    )
    fields = [Field(name="x", dtype=Float64)]
    view = view_of(path, fields=fields, created=False, field_mapping={"raw": "x"})
    aliased = view.with_name("bought").with_join_key_map({"item_id": "bought_id"})
    service = FeatureService(name="both", features=[view.with_name("shown"), aliased])
    pair = repository(tmp_path, [item, view, service])
    frame = pd.DataFrame(
        {"item_id": [1, 2], "bought_id": [2, 3], "event_timestamp": pd.Timestamp(5, unit="s")}
    )

    aisle = pair.joined(frame, service, full_feature_names=True)
    stock = pair.stock_joined(frame, service, full_feature_names=True)

    assert aisle.to_pydict() == stock.sort_by("item_id").select(aisle.column_names).to_pydict()
    assert aisle["bought__x"].to_pylist() == [2.0, None]


def test_view_without_entities_joins_by_time_alone(tmp_path):
    from feast import FeatureView, FileSource

    path = write(tmp_path, "world", {"event_timestamp": instants([1, 5]), "rate": [0.1, 0.2]})
    source = FileSource(path=path, timestamp_field="event_timestamp")
    world = FeatureView(name="world", schema=[Field(name="rate", dtype=Float64)], source=source)
    pair = repository(tmp_path, [world])
    at_instants = pa.table({"event_timestamp": instants([0, 1, 9])})

    assert pair.joined(at_instants, ["world:rate"])["rate"].to_pylist() == [None, 0.1, 0.2]


def test_impossible_join_explains_itself(pair):
    entities = entity_rows(3)

    with pytest.raises(FeastEntityDFMissingColumnsError, match="item_id"):
        pair.joined(entities.drop_columns("item_id"), REFS)
    with pytest.raises(CatalogueError, match="two columns named 'x'"):
        pair.joined(entities.append_column("x", pa.array([1, 2, 3])), REFS)
    with pytest.raises(CatalogueError, match="entity_df"):
        pair.aisle.get_historical_features(None, REFS, start_date=pd.Timestamp(0))


@pytest.mark.parametrize("times", [[1, 2, 3], [1.0, 2.0, None], [True, False, True]])
def test_entity_times_that_are_not_times_are_rejected_by_column_name(pair, times):
    entities = entity_rows(3)
    position = entities.column_names.index("event_timestamp")

    with pytest.raises(CatalogueError, match=r"Column 'event_timestamp' .* expected times"):
        pair.joined(entities.set_column(position, "event_timestamp", pa.array(times)), REFS)


def test_source_without_files_is_an_error(tmp_path):
    view = view_of(str(tmp_path / "nothing"), fields=FIELDS, file_format=ParquetFormat())
    view.features = [*FIELDS]
    with pytest.raises(CatalogueError, match="holds no Parquet file"):
        repository(tmp_path, [item, view]).joined(entity_rows(3), REFS)


def test_columns_that_a_file_lacks_are_null_there(tmp_path):
    (tmp_path / "rows").mkdir()
    keys = {"item_id": [1], "event_timestamp": instants([1])}
    write(tmp_path / "rows", "a", keys | {"flag": [True]})
    write(tmp_path / "rows", "b", keys | {"item_id": [2], "word": ["w"]})
    fields = [Field(name="flag", dtype=Bool), Field(name="word", dtype=String)]
    view = view_of(
        str(tmp_path / "rows"), fields=fields, created=False, file_format=ParquetFormat()
    )
    pair = repository(tmp_path, [item, view])
    two = pa.table({"item_id": [1, 2], "event_timestamp": instants([1, 1])})

    table = pair.joined(two, ["stats:flag", "stats:word"])

    assert table["flag"].to_pylist() == [True, None]
    assert table["word"].to_pylist() == [None, "w"]


def test_memory_limit_that_is_not_a_size_is_rejected():
    with pytest.raises(SettingError, match="memory_limit"):
        parse_bytes("plenty")
