"""An answer is of files that stayed as they were while it was made; old sorting is never used."""

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
def forget():
    INDEXES.clear()


@pytest.fixture
def settled(monkeypatch):
    """Files count as settled as soon as they are written."""
    monkeypatch.setattr(parquet_files, "SETTLING_NS", -(10**15))


@pytest.fixture
def pair(tmp_path):
    path = write(tmp_path, "stats", ROWS)
    view = view_of(path, fields=[Field(name="x", dtype=Float64)], created=False)
    return repository(tmp_path, [item, view])


def asked_for(keys):
    return pa.table({"item_id": keys, "event_timestamp": instants([1] * len(keys))})


def joined(pair, *keys):
    return pair.joined(asked_for(list(keys)), ["stats:x"])["x"].to_pylist()


def test_sorted_keys_are_used_again_until_a_file_changes(pair, settled):
    before = joined(pair, 1)
    kept = INDEXES.identities
    joined(pair, 1)
    kept_again = INDEXES.identities
    write(pair.folder, "stats", SWAPPED)
    after = joined(pair, 1)

    assert (before, after) == ([1.0], [2.0])
    assert kept == kept_again
    assert len(kept) + 1 == len(INDEXES.identities) == 2


def test_a_change_that_keeps_size_and_modification_time_is_seen(pair, settled):
    path = pair.folder / "stats.parquet"
    before, old = joined(pair, 1), path.stat()

    write(pair.folder, "stats", SWAPPED)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))

    new = path.stat()
    assert (new.st_size, new.st_mtime_ns, new.st_ino) == (
        old.st_size, old.st_mtime_ns, old.st_ino,
    )  # fmt: skip
    assert (before, joined(pair, 1)) == ([1.0], [2.0])


def test_a_file_moved_in_the_place_of_another_is_seen(pair, settled):
    path, other = pair.folder / "stats.parquet", Path(write(pair.folder, "other", SWAPPED))
    before = joined(pair, 1)

    other.replace(path)

    assert (before, joined(pair, 1)) == ([1.0], [2.0])


def test_a_file_more_or_less_is_seen(tmp_path, settled):
    folder = tmp_path / "rows"
    folder.mkdir()
    write(folder, "a", ROWS)
    fields = [Field(name="x", dtype=Float64)]
    view = view_of(str(folder), fields=fields, created=False, file_format=ParquetFormat())
    pair = repository(tmp_path, [item, view])
    answers = [joined(pair, 1, 3)]

    later = write(folder, "b", ROWS | {"item_id": [1, 3], "x": [5.0, 6.0]})
    answers.append(joined(pair, 1, 3))
    Path(later).unlink()
    answers.append(joined(pair, 1, 3))

    assert answers == [[1.0, None], [5.0, 6.0], [1.0, None]]


def test_keys_of_a_file_that_was_changed_just_now_are_not_kept(pair):
    now = time.time_ns()

    assert joined(pair, 1) == [1.0]

    assert INDEXES.identities == ()
    assert ParquetFile("a", 1, now - 3 * 10**9, now - 3 * 10**9).has_settled(now)
    assert not ParquetFile("a", 1, now - 3 * 10**9, now - 10**9).has_settled(now)


def test_an_answer_made_later_is_of_the_files_as_they_are_then(pair):
    job = pair.ours.get_historical_features(asked_for([1]), ["stats:x"])

    write(pair.folder, "stats", SWAPPED)

    assert job.to_arrow()["x"].to_pylist() == [2.0]
    write(pair.folder, "stats", ROWS)
    assert job.to_df()["x"].tolist() == [1.0]


def test_a_row_is_never_read_from_another_file_than_it_was_found_in(pair, monkeypatch):
    monkeypatch.setattr(lookup, "_LEAST_ROWS_OF_A_SLICE", 1)
    monkeypatch.setattr(lookup, "_SHARE_OF_A_SLICE", 1e12)
    batches = pair.ours.get_historical_features(asked_for([1, 2]), ["stats:x"]).to_batches()
    first = next(batches)

    write(pair.folder, "stats", SWAPPED)

    assert first["x"].to_pylist() == [1.0]
    with pytest.raises(SourceChangedError, match=r"stats\.parquet was changed"):
        next(batches)


@pytest.mark.parametrize("fate", ["replaced", "removed", "cut"])
def test_a_file_that_changes_during_a_read_ends_it(tmp_path, fate):
    path = Path(write(tmp_path, "stats", ROWS))
    rows = ParquetRows.at(str(path), pa.fs.LocalFileSystem())

    def change(_, batches):
        if fate == "removed":
            path.unlink()
        elif fate == "cut":
            os.truncate(path, 100)
        else:
            pq.write_table(pa.table(SWAPPED), path)
        return list(batches)

    with pytest.raises(SourceChangedError):
        rows.read(rows.groups, ["x"], change, 1)
