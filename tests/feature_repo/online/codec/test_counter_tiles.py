"""Counts of a tile equal the sums of its records, for every window and instant."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import DAY
from feature_repo.online.codec.counter_tiles import (
    SEALED,
    Tile,
    TileRecord,
    count,
    count_one,
    pack,
    unpack,
)
from tests.mutations import mutations

WINDOWS = (1, 7, 30, None)

small = st.integers(0, 40)
deltas = st.tuples(st.integers(-5, 5), st.integers(-(2**53), 2**53))
sums = st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 9))
records = st.builds(
    TileRecord, part=small | st.just(SEALED), bucket=small, events=st.integers(1, 9), deltas=deltas
)
tiles = st.builds(Tile, st.lists(records, max_size=12).map(tuple), sums, small | st.just(SEALED))


def brute_force(tile, t, window):
    totals = [0, 0] if window else list(tile.sums)
    for record in tile.records:
        live = record.part > tile.sealed_part
        if (
            live
            if window is None
            else ((live or record.part == SEALED) and record.bucket > t // DAY - window)
        ):
            totals = [a + b for a, b in zip(totals, record.deltas, strict=True)]
    return totals


@given(tiles)
def test_a_packed_tile_comes_back_unchanged(tile):
    assert unpack(pack(tile)) == tile


@given(st.lists(st.none() | tiles, max_size=6), st.integers(0, 41 * DAY))
def test_counts_equal_adding_up_record_by_record(entities, t):
    packed = [None if tile is None else pack(tile) for tile in entities]
    filled = [tile or Tile() for tile in entities]

    counts = count(packed, t, WINDOWS, measures=2)

    expected = [[brute_force(tile, t, window) for window in WINDOWS] for tile in filled]
    totals = counts.values.transpose(0, 2, 1)
    np.testing.assert_array_equal(totals, np.array(expected).reshape(totals.shape))
    assert counts.parts.tolist() == [
        max([tile.sealed_part, *(record.part for record in tile.records)]) for tile in filled
    ]
    assert not counts.damaged.any()


@given(tiles, st.integers(0, 41 * DAY))
def test_single_tile_counts_the_same_as_in_a_batch(tile, t):
    part, values = count_one(pack(tile), t, WINDOWS, measures=2)

    in_batch = count([pack(tile)], t, WINDOWS, measures=2)
    assert in_batch.values.reshape(-1).tolist() == values
    assert in_batch.parts.tolist() == [part]


def test_64_bit_overflow_is_equal_for_one_tile_and_for_a_batch():
    brim = pack(Tile((TileRecord(1, 5, 1, (1, 1)),), (2**63 - 1, 0)))

    _, values = count_one(brim, 5 * DAY, WINDOWS, measures=2)

    in_batch = count([brim], 5 * DAY, WINDOWS, measures=2)
    assert in_batch.values.reshape(-1).tolist() == values


@settings(derandomize=True)  # One change in 65,536 has the same checksum.
@given(tiles, st.data())
def test_a_changed_tile_is_damaged(tile, data):
    changed = data.draw(mutations(pack(tile)).filter(bool))

    counts = count([changed, pack(tile)], 5 * DAY, WINDOWS, measures=2)

    assert counts.damaged.tolist() == [True, False]
    assert not counts.values[0].any()


@pytest.mark.parametrize(
    "damage", [b"x", pack(Tile(sums=(0, 0, 0))), pack(Tile()) + b"short", b"\x09" * 52]
)
def test_damaged_tile_is_empty_and_affects_no_other(damage):
    whole = pack(Tile((TileRecord(1, 5, 1, (1, 0)),)))

    counts = count([damage, whole], 5 * DAY, WINDOWS, measures=2)

    assert counts.damaged.tolist() == [True, False]
    assert counts.present.tolist() == [False, True]
    assert counts.values[:, 0, :].tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]
    with pytest.raises(ValueError, match="expected a tile of 2 measures"):
        count_one(damage, 5 * DAY, WINDOWS, measures=2)


@pytest.mark.parametrize("part", [1, SEALED])
def test_window_includes_the_current_bucket_and_ends_at_midnight(part):
    tile = [pack(Tile((TileRecord(part, 5, 1, (1, 0)),)))]

    last, next_day = (
        count(tile, t, (1,), measures=2).values[0, 0, 0] for t in (6 * DAY - 1, 6 * DAY)
    )

    assert (last, next_day) == (1, 0)


@pytest.mark.parametrize("nonsense", [b"", b"\x01", b"nonsense"])
def test_bytes_that_are_no_tile_cannot_be_unpacked(nonsense):
    with pytest.raises(ValueError, match="expected a tile"):
        unpack(nonsense)
