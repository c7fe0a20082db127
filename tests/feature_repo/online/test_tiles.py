"""A tile sums to what its records say, whatever the window and whenever it is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.instants import DAY
from feature_repo.online.tiles import TileRecord, count, pack, unpack

WINDOWS = (1, 7, 30, None)

small = st.integers(0, 40)
deltas = st.tuples(st.integers(-5, 5), st.integers(-(2**31), 2**31 - 1))
records = st.builds(TileRecord, part=small, bucket=small, events=st.integers(1, 9), deltas=deltas)
tiles = st.lists(records, max_size=12)


def brute_force(tile, t, window, after_part):
    totals = [0, 0]
    for record in tile:
        if record.part > after_part and (window is None or record.bucket > t // DAY - window):
            totals = [a + b for a, b in zip(totals, record.deltas, strict=True)]
    return totals


@given(tiles)
def test_a_packed_tile_comes_back_unchanged(tile):
    assert unpack(pack(tile, 2), 2) == tile


@given(st.lists(st.tuples(st.none() | tiles, small), max_size=6), st.integers(0, 41 * DAY))
def test_counts_equal_adding_up_record_by_record(entities, t):
    packed = [None if tile is None else pack(tile, 2) for tile, _ in entities]
    after = [part for _, part in entities]

    counts = count(packed, t, WINDOWS, after, measures=2)

    expected = [
        [brute_force(tile or [], t, window, part) for window in WINDOWS] for tile, part in entities
    ]
    found = counts.values.transpose(0, 2, 1)
    np.testing.assert_array_equal(found, np.array(expected).reshape(found.shape))
    assert counts.present.tolist() == [
        any(record.part > part for record in tile or []) for tile, part in entities
    ]
    assert not counts.damaged.any()


@pytest.mark.parametrize("damage", [b"x", pack([], 3), pack([], 2) + b"short", b"\x09" * 44])
def test_a_damaged_tile_is_empty_and_harms_no_other(damage):
    whole = pack([TileRecord(1, 5, 1, (1, 0))], 2)

    counts = count([damage, whole], 5 * DAY, WINDOWS, [-1, -1], measures=2)

    assert counts.damaged.tolist() == [True, False]
    assert counts.present.tolist() == [False, True]
    assert counts.values[:, 0, :].tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_a_window_holds_the_current_bucket_and_falls_at_midnight():
    tile = [pack([TileRecord(1, 5, 1, (1, 0))], 2)]

    last, next_day = (
        count(tile, t, (1,), [0], measures=2).values[0, 0, 0] for t in (6 * DAY - 1, 6 * DAY)
    )

    assert (last, next_day) == (1, 0)


def test_what_is_no_tile_cannot_be_unpacked():
    with pytest.raises(ValueError, match="expected a tile of 2 measures"):
        unpack(b"nonsense", 2)
