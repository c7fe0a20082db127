"""Files of one source with different column types, as several writers produce them."""

import pandas as pd
import pyarrow as pa
import pytest
from feast import Field
from feast.types import Array, Float64, Int64, String, UnixTimestamp

from feature_repo.home import CatalogueError
from tests.feature_repo.offline.repositories import instants, item, repository, view_of, write

DAY = 86_400
PARIS = pa.timestamp("us", tz="Europe/Paris")
TEXTS = {
    "plain": pa.array(["a", None]),
    "large": pa.array(["b", None], pa.large_string()),
    "dictionary": pa.array(["c", None]).dictionary_encode(),
}


def rows(seconds, x, times=None):
    """Items 1 and 2."""
    stamps = instants([seconds] * 2)
    return {"item_id": [1, 2], "event_timestamp": stamps if times is None else times, "x": x}


def pair_of(folder, dtype, *files):
    (folder / "rows").mkdir()
    for number, columns in enumerate(files):
        write(folder / "rows", str(number), columns)
    pattern = str(folder / "rows" / "*.parquet")
    fields = [Field(name="x", dtype=dtype)]
    return repository(folder, [item, view_of(pattern, fields=fields, created=False)])


def entity_rows(*seconds):
    times = pd.to_datetime([s for s in seconds for _ in (1, 2)], unit="s", utc=True)
    return pd.DataFrame({"item_id": [1, 2] * len(seconds), "event_timestamp": times})


def values_of(pair, *seconds):
    """Join with both stores and return the values sorted by time and item."""
    order = [("event_timestamp", "ascending"), ("item_id", "ascending")]
    joined = [j(entity_rows(*seconds), ["stats:x"]) for j in (pair.joined, pair.stock_joined)]
    return [table.sort_by(order)["x"].to_pylist() for table in joined]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("us"), PARIS, pa.timestamp("ns", "UTC"), pa.timestamp("ms"), pa.date32()]
)
def test_times_of_two_types_join_as_instants(tmp_path, kind):
    first = rows(DAY, [1.0, 2.0])
    second = rows(0, [3.0, None], times=instants([2 * DAY] * 2).cast(kind))
    pair = pair_of(tmp_path, Float64, first, second)

    aisle, stock = values_of(pair, DAY, 2 * DAY - 1, 2 * DAY)

    assert aisle == stock == [1.0, 2.0, 1.0, 2.0, 3.0, None]


def test_time_feature_is_read_from_files_of_two_time_types(tmp_path):
    stamps = [instants([5, None]), instants([6, None]).cast(pa.timestamp("us"))]
    pair = pair_of(tmp_path, UnixTimestamp, *(rows(n + 1, x) for n, x in enumerate(stamps)))

    aisle, _ = values_of(pair, 1, 2)

    assert [None if x is None else x.timestamp() for x in aisle] == [5, None, 6, None]


@pytest.mark.parametrize("order", [(*TEXTS,), (*reversed(TEXTS),)])
def test_texts_of_any_encoding_are_read_as_text(tmp_path, order):
    columns = [rows(n + 1, TEXTS[name]) for n, name in enumerate(order)]
    pair = pair_of(tmp_path, String, *columns)

    aisle, stock = values_of(pair, 1, 2, 3)

    assert aisle == stock
    assert [x for x in aisle if x] == [TEXTS[name][0].as_py() for name in order]


def test_lists_of_numbers_get_the_wider_type(tmp_path):
    narrow, wide = pa.list_(pa.int32()), pa.large_list(pa.int64())
    columns = [pa.array([[1], None], narrow), pa.array([[2**40], []], wide)]
    pair = pair_of(tmp_path, Array(Int64), *(rows(n + 1, x) for n, x in enumerate(columns)))

    values = pair.joined(entity_rows(1, 2), ["stats:x"])["x"].to_pylist()
    assert values == [[1], None, [2**40], []]


def test_file_with_an_incompatible_type_is_named(tmp_path):
    pair = pair_of(tmp_path, Int64, rows(1, [1, 2]), rows(2, ["one", "two"]))

    with pytest.raises(CatalogueError, match=r"1\.parquet: column 'x' holds string, but int64"):
        values_of(pair, 1)


@pytest.mark.parametrize("content", [b"", b"no Parquet at all, but long enough"])
def test_file_that_is_not_parquet_is_named(tmp_path, content):
    pair = pair_of(tmp_path, Int64, rows(1, [1, 2]))
    (tmp_path / "rows" / "9.parquet").write_bytes(content)

    with pytest.raises(CatalogueError, match=r"9\.parquet cannot be read as Parquet"):
        values_of(pair, 1)
