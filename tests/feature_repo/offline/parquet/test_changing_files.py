"""A join reads one version of its files, and never uses a sorted index of another version."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Field
from feast.data_format import ParquetFormat
from feast.types import Float64

from feature_repo.home import SourceChangedError
from feature_repo.offline.join import lookup
from feature_repo.offline.join.index_cache import INDEXES
from feature_repo.offline.parquet import ParquetRows
from feature_repo.offline.parquet import files as parquet_files
from feature_repo.offline.parquet.files import ParquetFile
from tests.feature_repo.offline.repositories import instants, item, repository, view_of, write

ROWS = {"item_id": [1, 2], "event_timestamp": instants([1, 1]), "x": [1.0, 2.0]}
SWAPPED = ROWS | {"item_id": [2, 1]}


@pytest.fixture(autouse=True)
def empty_cache():
    INDEXES.clear()


@pytest.fixture
def settled(monkeypatch):
    """Files count as settled right after a write."""
    monkeypatch.setattr(parquet_files, "SETTLING_NS", -(10**15))


@pytest.fixture
def pair(tmp_path):
    path = write(tmp_path, "stats", ROWS)
    view = view_of(path, fields=[Field(name="x", dtype=Float64)], created=False)
    return repository(tmp_path, [item, view])


def entity_rows(keys):
    return pa.table({"item_id": keys, "event_timestamp": instants([1] * len(keys))})


def joined(pair, *keys):
    return pair.joined(entity_rows(list(keys)), ["stats:x"])["x"].to_pylist()


def test_sorted_index_is_reused_until_a_file_changes(pair, settled):
    before = joined(pair, 1)
    cached = INDEXES.identities
    joined(pair, 1)
    cached_again = INDEXES.identities
    write(pair.folder, "stats", SWAPPED)
    after = joined(pair, 1)

    assert (before, after) == ([1.0], [2.0])
    assert cached == cached_again
    assert len(cached) + 1 == len(INDEXES.identities) == 2


def test_change_with_equal_size_and_modification_time_is_detected(pair, settled):
    path = pair.folder / "stats.parquet"
    before, old = joined(pair, 1), path.stat()

    write(pair.folder, "stats", SWAPPED)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))

    new = path.stat()
    assert new.st_size == old.st_size
    assert new.st_mtime_ns == old.st_mtime_ns
    assert new.st_ino == old.st_ino
    assert (before, joined(pair, 1)) == ([1.0], [2.0])


def test_file_replaced_by_another_is_detected(pair, settled):
    path, other = pair.folder / "stats.parquet", Path(write(pair.folder, "other", SWAPPED))
    before = joined(pair, 1)

    other.replace(path)

    assert (before, joined(pair, 1)) == ([1.0], [2.0])


def test_added_and_removed_files_are_detected(tmp_path, settled):
    folder = tmp_path / "rows"
    folder.mkdir()
    write(folder, "a", ROWS)
    fields = [Field(name="x", dtype=Float64)]
    view = view_of(str(folder), fields=fields, created=False, file_format=ParquetFormat())
    pair = repository(tmp_path, [item, view])
    results = [joined(pair, 1, 3)]

    later = write(folder, "b", ROWS | {"item_id": [1, 3], "x": [5.0, 6.0]})
    results.append(joined(pair, 1, 3))
    Path(later).unlink()
    results.append(joined(pair, 1, 3))

    assert results == [[1.0, None], [5.0, 6.0], [1.0, None]]


def test_index_of_a_recently_changed_file_is_not_cached(pair):
    now = time.time_ns()

    assert joined(pair, 1) == [1.0]

    assert INDEXES.identities == ()
    assert ParquetFile("a", 1, now - 3 * 10**9, now - 3 * 10**9).has_settled(now)
    assert not ParquetFile("a", 1, now - 3 * 10**9, now - 10**9).has_settled(now)


def test_job_reads_the_files_at_the_time_it_is_computed(pair):
    job = pair.aisle.get_historical_features(entity_rows([1]), ["stats:x"])

    write(pair.folder, "stats", SWAPPED)

    assert job.to_arrow()["x"].to_pylist() == [2.0]
    write(pair.folder, "stats", ROWS)
    assert job.to_df()["x"].tolist() == [1.0]


def test_row_is_never_read_from_another_version_of_its_file(pair, monkeypatch):
    monkeypatch.setattr(lookup, "MIN_SLICE_ROWS", 1)
    monkeypatch.setattr(lookup, "SLICE_SHARE", 1e12)
    batches = pair.aisle.get_historical_features(entity_rows([1, 2]), ["stats:x"]).to_batches()
    first = next(batches)

    write(pair.folder, "stats", SWAPPED)

    assert first["x"].to_pylist() == [1.0]
    with pytest.raises(SourceChangedError, match=r"stats\.parquet was changed"):
        next(batches)


@pytest.mark.parametrize("change_kind", ["replaced", "removed", "cut"])
def test_file_that_changes_during_a_read_fails_the_read(tmp_path, change_kind):
    path = Path(write(tmp_path, "stats", ROWS))
    rows = ParquetRows.open(str(path), pa.fs.LocalFileSystem())

    def change(_, batches):
        if change_kind == "removed":
            path.unlink()
        elif change_kind == "cut":
            os.truncate(path, 100)
        else:
            pq.write_table(pa.table(SWAPPED), path)
        return list(batches)

    with pytest.raises(SourceChangedError):
        rows.read(rows.groups, ["x"], change, 1)
