"""Read the wide feature columns last, and only for the matching rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from feature_repo.offline.join.sorted_join import RowNumbers
from feature_repo.offline.parquet import ParquetRows, RowGroup


def gather(
    source: ParquetRows, columns: Mapping[str, str], rows: RowNumbers, threads: int
) -> pa.Table:
    """Read columns of n rows.

    Args:
        source: the files.
        columns: output column name → column name in the files.
        rows: n row numbers in any order, with duplicates; a negative one gives nulls.
        threads: number of row groups decoded at a time.

    Returns:
        n rows in the order of `rows`.
    """
    physical = list(dict.fromkeys(columns.values()))
    schema = pa.schema([source.field(name) for name in physical])
    # Files are read front to back, so rows are read in sorted order and reordered at the end.
    order = np.argsort(rows)
    requested = rows[order]
    first = int(np.searchsorted(requested, 0))
    requested = requested[first:]
    groups = [group for group in source.groups if _rows_in(group, requested).size]

    def select(group: RowGroup, batches: Iterator[pa.RecordBatch]) -> pa.Table:
        return pa.Table.from_batches(list(_select(batches, _rows_in(group, requested))), schema)

    parts = source.read(groups, physical, select, threads)
    ordered = pa.concat_tables(parts) if parts else schema.empty_table()
    del parts
    # positions[i] is the position of output row i in `ordered`; negative for a null row.
    positions = np.empty(rows.size, dtype=np.int64)
    positions[order] = np.arange(-first, requested.size)
    return _reorder(ordered, columns, positions)


def _rows_in(group: RowGroup, requested: RowNumbers) -> RowNumbers:
    """Return the requested rows of a group, counted from its first row."""
    start, end = np.searchsorted(requested, [group.first, group.first + group.rows])
    return requested[start:end] - group.first


def _select(batches: Iterator[pa.RecordBatch], requested: RowNumbers) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        start, end = np.searchsorted(requested, [first, first + batch.num_rows])
        if start < end:
            rows = requested[start:end] - first
            yield batch if _is_identity(rows, batch.num_rows) else batch.take(pa.array(rows))
        first += batch.num_rows


def _is_identity(positions: RowNumbers, count: int) -> bool:
    """Whether the positions are 0, 1, … count - 1, so that no row has to move."""
    return positions.size == count and bool((positions == np.arange(count)).all())


def _reorder(ordered: pa.Table, columns: Mapping[str, str], positions: RowNumbers) -> pa.Table:
    """Take the rows at the positions, column by column."""
    if _is_identity(positions, ordered.num_rows):
        return pa.table({name: ordered[physical] for name, physical in columns.items()})
    indices = pa.array(positions, mask=positions < 0)
    remaining = {name: ordered[name] for name in ordered.column_names}
    uses = list(columns.values())
    del ordered
    reordered: dict[str, pa.Array] = {}
    for name, physical in columns.items():
        uses.remove(physical)
        # Free each ordered column after its last use: both copies of all columns may not fit.
        column = remaining[physical] if physical in uses else remaining.pop(physical)
        reordered[name] = column.combine_chunks().take(indices)
        del column
    return pa.table(reordered)
