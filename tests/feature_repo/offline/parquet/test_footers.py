"""What footers say of rows equals what a read of the rows says."""

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.offline.parquet import column_bounds, count_rows, count_values, newest_time

KEYS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
ROWS = st.lists(st.tuples(st.integers(0, 50), KEYS), max_size=12)


@given(
    files=st.lists(ROWS, min_size=1, max_size=3),
    now=st.integers(-1, 51),
    group=st.integers(1, 5),
    has_statistics=st.booleans(),
)
def test_counts_and_the_newest_time_are_those_of_the_rows(
    tmp_path_factory, files, now, group, has_statistics
):
    folder = tmp_path_factory.mktemp("rows")
    paths = [folder / f"{n}.parquet" for n in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        times = pa.array([at for at, _ in rows], pa.timestamp("us", tz="UTC"))
        keys = pa.array([key for _, key in rows], pa.string())
        table = pa.table({"event_timestamp": times, "key": keys})
        statistics = has_statistics or ["key"]
        pq.write_table(table, path, row_group_size=group, write_statistics=statistics)
    listed = [row for rows in files for row in rows]

    assert count_rows(paths) == len(listed)
    assert count_values(paths, "key") == sum(key is not None for _, key in listed)
    assert newest_time(paths, now) == max((at for at, _ in listed if at <= now), default=None)
    for path, rows in zip(paths, files, strict=True):
        parts = [rows[start : start + group] for start in range(0, len(rows), group)]
        for bounds, part in zip(column_bounds(path, "key"), parts or [[]], strict=False):
            present = [key for _, key in part if key is not None]
            assert bounds.rows == len(part)
            if bounds.low is not None:
                assert all(bounds.low <= key <= bounds.high for key in present)
