"""Seals number the parts of the log, in the order of time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.log import Seals, read_seals
from feature_repo.events.log.seals import write_seals
from feature_repo.home import DAY, LogError

instants = st.integers(0, 40 * DAY)


def seals_at(instants):
    seals = Seals()
    for instant in instants:
        seals = seals.sealed_at(instant)
    return seals


@given(st.lists(instants, max_size=8), instants, instants)
def test_part_never_decreases_with_time(sealed, one, other):
    seals = seals_at(sealed)

    assert seals.part_of(min(one, other)) <= seals.part_of(max(one, other))


@given(st.lists(instants, max_size=8), instants)
def test_part_is_the_number_of_earlier_seals(sealed, seen_at):
    seals = seals_at(sealed)
    day_ends = [(n + 1) * DAY - 1 for n in range(41)]

    assert seals.part_of(seen_at) == sum(s < seen_at for s in [*seals.instants, *day_ends])
    assert seals.part_of(seals.last + 1) > seals.part_of(max(seals.last, 0)) or not sealed


@given(st.lists(instants, max_size=8), st.lists(instants, min_size=1, max_size=5))
def test_vectorized_parts_equal_single_parts(sealed, seen):
    import numpy as np

    seals = seals_at(sealed)

    assert seals.parts_of(np.array(seen)).tolist() == [seals.part_of(s) for s in seen]


@given(st.lists(st.tuples(instants, st.booleans()), max_size=8))
def test_written_seals_are_read_back(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("seals") / "seals"
    seals = read_seals(path)
    for instant, drop in steps:
        after = seals.sealed_at(instant, drop=drop)
        write_seals(path, seals, after)
        assert after.last > seals.last
        assert after.version > seals.version
        assert read_seals(path) == after
        seals = after


def test_error_names_the_damaged_seals_file(tmp_path):
    (tmp_path / "seals").write_text("12\nsoon\n")

    with pytest.raises(LogError, match="seals: expected one instant a line"):
        read_seals(tmp_path / "seals")


def test_changed_seals_are_an_error(tmp_path):
    path, rng = tmp_path / "seals", random.Random(7)
    for instant in (12, 345, 6789):
        seals = read_seals(path)
        write_seals(path, seals, seals.sealed_at(instant))
    good = path.read_bytes()

    for _ in range(100):
        flipped = bytearray(good)
        flipped[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        cut, longer = good[: rng.randrange(len(good))], good + b"99999\n"
        path.write_bytes(rng.choice([flipped, cut, longer]))

        with pytest.raises(LogError, match="Restore the file from a backup"):
            read_seals(path)


def test_folder_that_replaces_the_seals_is_an_error(tmp_path):
    (tmp_path / "seals").mkdir()

    with pytest.raises(LogError, match=r"expected one instant a line, found .*directory"):
        read_seals(tmp_path / "seals")


def test_compacted_log_without_seals_is_an_error(tmp_path):
    assert read_seals(tmp_path / "seals") == Seals()

    (tmp_path / "compacted").mkdir()

    with pytest.raises(LogError, match="found no file, and events that it sealed"):
        read_seals(tmp_path / "seals")
