"""The sorted join and the streaming join against a plain scan of every row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.offline.join import shards
from feature_repo.offline.join.shards import Shards
from feature_repo.offline.join.sorted_join import NO_ROW, KeyRows, SortedRows
from feature_repo.offline.join.streaming_join import StreamingJoin
from feature_repo.offline.parquet import NULL_TIME

keys = st.integers(0, 3)
seconds = st.integers(-5, 15)
far = st.sampled_from([-(2**61), 0, 2**61])
rows = st.lists(st.tuples(keys, seconds, st.none() | seconds), max_size=25)
lookups = st.lists(st.tuples(st.integers(-1, 4), seconds | st.none()), max_size=12)


def key_rows(rows, scale=1):
    return KeyRows(
        codes=np.array([key for key, _, _ in rows], dtype=np.int64),
        rows=np.arange(len(rows), dtype=np.int32),
        events=np.array([event * scale for _, event, _ in rows], dtype=np.int64),
        created=np.array(
            [NULL_TIME if created is None else created * scale for *_, created in rows],
            dtype=np.int64,
        ),
    )


def scanned(rows, key, instant, *, strict, ttl):
    def is_valid(event, created):
        return (
            event <= instant
            and (not ttl or event >= instant - ttl)
            and not (strict and (created is None or created > instant))
        )

    matches = [
        (event, NULL_TIME if created is None else created, row)
        for row, (code, event, created) in enumerate(rows)
        if code == key and instant is not None and is_valid(event, created)
    ]
    return max(matches)[-1] if matches else NO_ROW


@pytest.mark.parametrize("rows_per_shard", [4, 1 << 20])
@pytest.mark.parametrize("scale", [1, 2**55], ids=["packed", "ranked"])
@given(rows=rows, queries=lookups, strict=st.booleans(), ttl=st.sampled_from([0, 3]))
def test_sorted_join_finds_the_newest_valid_row(rows_per_shard, scale, rows, queries, strict, ttl):
    codes = np.array([key for key, _ in queries], dtype=np.int64)
    times = np.array([NULL_TIME if t is None else t * scale for _, t in queries], dtype=np.int64)
    whole = shards.ROWS_PER_SHARD
    shards.ROWS_PER_SHARD = rows_per_shard
    try:
        index = Shards.of(key_rows(rows, scale), strict=strict, threads=2, expires=True)
    finally:
        shards.ROWS_PER_SHARD = whole

    results = index.find(codes, times, ttl * scale)

    assert results.tolist() == [scanned(rows, k, t, strict=strict, ttl=ttl) for k, t in queries]


@pytest.mark.parametrize("scale", [1, 2**55], ids=["packed", "ranked"])
@given(
    rows=rows,
    queries=lookups,
    strict=st.booleans(),
    ttl=st.sampled_from([0, 3]),
    cut=st.integers(0),
)
def test_streaming_join_finds_the_same_rows_in_any_order_of_the_source(
    scale, rows, queries, strict, ttl, cut
):
    codes = np.array([key for key, _ in queries], dtype=np.int64)
    times = np.array([NULL_TIME if t is None else t * scale for _, t in queries], dtype=np.int64)
    source, middle = key_rows(rows, scale), cut % (len(rows) + 1)

    join = StreamingJoin.of(codes, times, strict=strict)
    for positions in (np.arange(middle, len(rows)), np.arange(middle)):
        join.add(source.take(positions))

    results = join.find(codes, times, ttl * scale)
    assert results.tolist() == [scanned(rows, k, t, strict=strict, ttl=ttl) for k, t in queries]


@given(rows)
def test_newest_is_the_last_row_of_each_key(rows):
    best = {}
    for row, (key, event, created) in enumerate(rows):
        best[key] = max(
            best.get(key, (-(2**62),)), (event, NULL_TIME if created is None else created, row)
        )

    newest = SortedRows.of(key_rows(rows), strict=False).newest()

    assert sorted(newest.tolist()) == sorted(row for *_, row in best.values())


def test_key_above_every_code_matches_nothing():
    index = SortedRows.of(key_rows([(0, 1, 1)]), strict=True)

    results = index.find(np.array([2**40]), np.array([5]))

    assert results.tolist() == [NO_ROW]
