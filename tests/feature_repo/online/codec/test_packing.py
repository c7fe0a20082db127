"""Packed rows are read back unchanged, and damaged rows do not affect others."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import CatalogueError
from feature_repo.online.codec import BLOCK_OF, CHECKSUM_SIZE, RowBatch, RowLayout, pack
from feature_repo.online.codec.packing import FixedColumn
from feature_repo.online.codec.row_layout import WIDTHS
from feature_repo.online.redis import BYTES
from tests.mutations import mutations

KINDS = [*BLOCK_OF, "STRING", "BYTES", "INT64_LIST", "MAP"]
NUMBERS = {
    "times": st.integers(-(2**63), 2**63 - 1),
    "longs": st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.just(2**31),
    "doubles": st.floats() | st.integers(-9, 9).map(float),
    "ints": st.integers(-(2**31), 2**31 - 1),
    "floats": st.floats(width=32),
    "bools": st.integers(0, 1),
}
instants = st.integers(-(2**62), 2**62)


@st.composite
def tables(draw):
    """A layout, columns of N values or None, and N times."""
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=12))
    layout = RowLayout.from_kinds([(f"f{n}", kind) for n, kind in enumerate(kinds)])
    size = draw(st.integers(0, 5))
    values = {f.name: draw(st.lists(cells(f), min_size=size, max_size=size)) for f in layout.fields}
    times = draw(st.lists(st.tuples(instants, instants), min_size=size, max_size=size))
    return layout, values, times


def cells(field):
    return st.none() | (NUMBERS[field.block] if field.block else st.binary(max_size=9))


def packed(layout, values, times):
    columns = {f.name: column(f, values[f.name]) for f in layout.fields}
    event, created = (
        (np.array(list(t), np.int64) for t in zip(*times, strict=True))
        if times
        else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    )
    return pack(layout, columns, event, created).to_pylist()


def column(field, values):
    if field.block is None:
        return pa.array(values, BYTES)
    filled = [0 if value is None else value for value in values]
    nulls = np.array([value is None for value in values], bool)
    return FixedColumn(np.array(filled, WIDTHS[field.block][0]), nulls)


def unpacked(batch, field):
    if field.block is None:
        return batch.payloads(field)
    nulls = batch.nulls[:, batch.layout.positions[field.name]].tolist()
    column_values = batch.values(field).tolist()
    return [None if null else value for value, null in zip(column_values, nulls, strict=True)]


@settings(deadline=None)
@given(tables())
def test_a_packed_row_comes_back_unchanged(table):
    layout, values, times = table

    batch = RowBatch.read(layout, packed(layout, values, times))

    assert batch.present.all()
    assert batch.event.tolist() == [event for event, _ in times]
    for field in layout.fields:
        np.testing.assert_equal(unpacked(batch, field), values[field.name])


@settings(deadline=None)
@given(tables(), st.binary(max_size=40), st.integers(0, 30), st.booleans())
def test_a_damaged_row_is_missing_and_the_others_are_not(table, noise, length, is_cut):
    layout, values, times = table
    rows = packed(layout, values, times)
    strange = rows[0][: min(length, len(rows[0]) - 1)] if is_cut and rows else noise

    batch = RowBatch.read(layout, [strange, *rows[1:]] if rows else [strange])

    assert batch.damaged.tolist() == [True, *(False for _ in rows[1:])]
    for field in layout.fields:
        np.testing.assert_equal(unpacked(batch, field), [None, *values[field.name][1:]])


@settings(deadline=None)
@given(tables())
def test_missing_string_is_neither_present_nor_damaged(table):
    layout, values, times = table
    rows = packed(layout, values, times)

    batch = RowBatch.read(layout, [*rows, None])

    assert batch.present.tolist() == [True] * len(rows) + [False]
    assert not batch.damaged.any()
    assert batch.nulls[-1].all()


@pytest.mark.parametrize(
    ("value", "size"),
    [(0, 2), (-(2**15), 2), (2**15, 4), (-(2**31), 4), (2**31, 8), (2**53 + 1, 8), (-(2**63), 8)],
)
def test_long_is_stored_in_the_fewest_bytes(value, size):
    layout = RowLayout.from_kinds([("n", "INT64")])

    (row,) = packed(layout, {"n": [value]}, [(1, 1)])

    assert len(row) == 14 + 1 + size + CHECKSUM_SIZE
    assert RowBatch.read(layout, [row]).values(layout.fields[0]).tolist() == [value]


@pytest.mark.parametrize(
    ("value", "size"),
    [(0.5, 4), (float("nan"), 4), (float("inf"), 4), (0.1, 8), (1e300, 8), (5e-324, 8)],
)
def test_double_is_stored_in_four_bytes_without_loss(value, size):
    layout = RowLayout.from_kinds([("x", "DOUBLE")])

    (row,) = packed(layout, {"x": [value]}, [(1, 1)])

    assert len(row) == 14 + 1 + size + CHECKSUM_SIZE
    np.testing.assert_equal(RowBatch.read(layout, [row]).values(layout.fields[0]).tolist(), [value])


def test_declared_order_of_fields_does_not_matter():
    fields = [("a", "INT64"), ("b", "STRING"), ("c", "DOUBLE")]

    assert RowLayout.from_kinds(fields) == RowLayout.from_kinds(reversed(fields))


@pytest.mark.parametrize(
    "other",
    [[("a", "INT32")], [("b", "INT64")], [("a", "INT64"), ("b", "INT64")], [("a", "DOUBLE")]],
)
def test_a_row_of_another_schema_reads_as_missing(other):
    rows = packed(RowLayout.from_kinds(other), {n: [1] for n, _ in other}, [(1, 1)])

    batch = RowBatch.read(RowLayout.from_kinds([("a", "INT64")]), rows)

    assert batch.damaged.tolist() == [True]


@settings(deadline=None)
@given(tables().filter(lambda table: table[2]), st.data())
def test_a_changed_row_is_damaged_and_the_others_are_not(table, data):
    layout, values, times = table
    rows = packed(layout, values, times)
    position = data.draw(st.integers(0, len(rows) - 1))
    whole = rows[position]
    rows[position] = data.draw(mutations(whole))

    batch = RowBatch.read(layout, rows)

    assert batch.damaged.tolist() == [n == position for n in range(len(rows))]
    assert batch.nulls[position].all()


def test_a_field_without_a_type_is_refused():
    with pytest.raises(CatalogueError, match="x: expected a type that can be stored"):
        RowLayout.from_kinds([("x", "UNKNOWN")])
