"""The sorted search against a walk through every row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.offline.join import shards
from feature_repo.offline.join.shards import Shards
from feature_repo.offline.join.sorted_join import NO_ROW, AsOf, Known
from feature_repo.offline.join.streaming_join import Asked
from feature_repo.offline.parquet import NEVER

keys = st.integers(0, 3)
seconds = st.integers(-5, 15)
far = st.sampled_from([-(2**61), 0, 2**61])
rows = st.lists(st.tuples(keys, seconds, st.none() | seconds), max_size=25)
questions = st.lists(st.tuples(st.integers(-1, 4), seconds | st.none()), max_size=12)


def known_of(rows, stretch=1):
    return Known(
        codes=np.array([key for key, _, _ in rows], dtype=np.int64),
        rows=np.arange(len(rows), dtype=np.int32),
        events=np.array([event * stretch for _, event, _ in rows], dtype=np.int64),
        created=np.array(
            [NEVER if born is None else born * stretch for *_, born in rows], dtype=np.int64
        ),
    )


def walked(rows, key, now, *, strict, ttl):
    def counts(event, born):
        return (
            event <= now
            and (not ttl or event >= now - ttl)
            and not (strict and (born is None or born > now))
        )

    found = [
        (event, NEVER if born is None else born, row)
        for row, (code, event, born) in enumerate(rows)
        if code == key and now is not None and counts(event, born)
    ]
    return max(found)[-1] if found else NO_ROW


@pytest.mark.parametrize("rows_per_shard", [4, 1 << 20])
@pytest.mark.parametrize("stretch", [1, 2**55], ids=["packed", "ranked"])
@given(rows=rows, asked=questions, strict=st.booleans(), ttl=st.sampled_from([0, 3]))
def test_the_row_found_is_the_newest_that_was_known(
    rows_per_shard, stretch, rows, asked, strict, ttl
):
    codes = np.array([key for key, _ in asked], dtype=np.int64)
    times = np.array([NEVER if t is None else t * stretch for _, t in asked], dtype=np.int64)
    whole = shards.ROWS_PER_SHARD
    shards.ROWS_PER_SHARD = rows_per_shard
    try:
        index = Shards.of(known_of(rows, stretch), strict=strict, threads=2, expires=True)
    finally:
        shards.ROWS_PER_SHARD = whole

    found = index.find(codes, times, ttl * stretch)

    assert found.tolist() == [walked(rows, k, t, strict=strict, ttl=ttl) for k, t in asked]


@pytest.mark.parametrize("stretch", [1, 2**55], ids=["packed", "ranked"])
@given(
    rows=rows,
    asked=questions,
    strict=st.booleans(),
    ttl=st.sampled_from([0, 3]),
    cut=st.integers(0),
)
def test_one_pass_finds_the_same_in_whatever_order_it_meets_the_rows(
    stretch, rows, asked, strict, ttl, cut
):
    codes = np.array([key for key, _ in asked], dtype=np.int64)
    times = np.array([NEVER if t is None else t * stretch for _, t in asked], dtype=np.int64)
    known, middle = known_of(rows, stretch), cut % (len(rows) + 1)

    one_pass = Asked.of(codes, times, strict=strict)
    for some in (np.arange(middle, len(rows)), np.arange(middle)):
        one_pass.see(known.some(some))

    found = one_pass.find(codes, times, ttl * stretch)
    assert found.tolist() == [walked(rows, k, t, strict=strict, ttl=ttl) for k, t in asked]


@given(rows)
def test_the_newest_row_of_each_key_is_the_last_one(rows):
    best = {}
    for row, (key, event, born) in enumerate(rows):
        best[key] = max(best.get(key, (-(2**62),)), (event, NEVER if born is None else born, row))

    found = AsOf.of(known_of(rows), strict=False).newest()

    assert sorted(found.tolist()) == sorted(row for *_, row in best.values())


def test_a_key_that_the_rows_do_not_reach_finds_nothing():
    index = AsOf.of(known_of([(0, 1, 1)]), strict=True)

    found = index.find(np.array([2**40]), np.array([5]))

    assert found.tolist() == [NO_ROW]
