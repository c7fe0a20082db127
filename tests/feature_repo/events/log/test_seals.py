"""Seals number the parts of time, and time never falls back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.log import Seals, read_seals
from feature_repo.events.log.seals import write_seals
from feature_repo.home import DAY, LogError

instants = st.integers(0, 40 * DAY)


def seals_at(some):
    seals = Seals()
    for instant in some:
        seals = seals.sealed_at(instant)
    return seals


@given(st.lists(instants, max_size=8), instants, instants)
def test_a_part_never_falls_with_time(some, one, other):
    seals = seals_at(some)

    assert seals.part_of(min(one, other)) <= seals.part_of(max(one, other))


@given(st.lists(instants, max_size=8), instants)
def test_a_part_counts_the_seals_and_the_ends_of_days_before(some, seen_at):
    seals = seals_at(some)
    day_ends = [(n + 1) * DAY - 1 for n in range(41)]

    assert seals.part_of(seen_at) == sum(s < seen_at for s in [*seals.instants, *day_ends])
    assert seals.part_of(seals.last + 1) > seals.part_of(max(seals.last, 0)) or not some


@given(st.lists(instants, max_size=8), st.lists(instants, min_size=1, max_size=5))
def test_the_parts_of_many_are_the_parts_of_each(some, seen):
    import numpy as np

    seals = seals_at(some)

    assert seals.parts_of(np.array(seen)).tolist() == [seals.part_of(s) for s in seen]


@given(st.lists(st.tuples(instants, st.booleans()), max_size=8))
def test_seals_are_read_as_they_were_written(tmp_path_factory, history):
    path = tmp_path_factory.mktemp("seals") / "seals"
    seals = read_seals(path)
    for instant, drop in history:
        after = seals.sealed_at(instant, drop=drop)
        write_seals(path, seals, after)
        assert after.last > seals.last
        assert after.version > seals.version
        assert read_seals(path) == after
        seals = after


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "seals").write_text("12\nsoon\n")

    with pytest.raises(LogError, match="seals: expected one instant a line"):
        read_seals(tmp_path / "seals")
