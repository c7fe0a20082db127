"""The wide columns of chosen rows, fetched late: only of the rows that a join found."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.offline.parquet import ParquetRows, RowGroup

Numbers = npt.NDArray[np.int64]


def gather(
    source: ParquetRows, columns: Mapping[str, str], rows: Numbers, threads: int
) -> pa.Table:
    """Fetch columns of n rows.

    Args:
        source: whose rows.
        columns: name in the answer → name in the files.
        rows: n row numbers in any order, repeated or negative; a negative one gives nulls.
        threads: how many row groups are decoded at a time.

    Returns:
        n rows in the order given.
    """
    physical = list(dict.fromkeys(columns.values()))
    schema = pa.schema([source.field(name) for name in physical])
    order = np.argsort(rows)
    wanted = rows[order]
    first = int(np.searchsorted(wanted, 0))
    wanted = wanted[first:]
    touched = [group for group in source.groups if _share(group, wanted).size]

    def chosen(group: RowGroup, batches: Iterator[pa.RecordBatch]) -> pa.Table:
        return pa.Table.from_batches(list(_taken(batches, _share(group, wanted))), schema)

    parts = source.read(touched, physical, chosen, threads)
    found = pa.concat_tables(parts) if parts else schema.empty_table()
    del parts
    places = np.empty(rows.size, dtype=np.int64)
    places[order] = np.arange(-first, wanted.size)
    return _placed(found, columns, places)


def _share(group: RowGroup, wanted: Numbers) -> Numbers:
    """The rows of the group among the wanted ones, counted from its first."""
    start, end = np.searchsorted(wanted, [group.first, group.first + group.rows])
    return wanted[start:end] - group.first


def _taken(batches: Iterator[pa.RecordBatch], wanted: Numbers) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        start, end = np.searchsorted(wanted, [first, first + batch.num_rows])
        if start < end:
            chosen = wanted[start:end] - first
            yield batch if _is_each(chosen, batch.num_rows) else batch.take(pa.array(chosen))
        first += batch.num_rows


def _is_each(places: Numbers, count: int) -> bool:
    """Whether they are 0, 1, … count - 1, so that nothing need be moved."""
    return places.size == count and bool((places == np.arange(count)).all())


def _placed(found: pa.Table, columns: Mapping[str, str], places: Numbers) -> pa.Table:
    """Each column in the wanted order; sorted ones are let go of as soon as they are placed."""
    if _is_each(places, found.num_rows):
        return pa.table({name: found[physical] for name, physical in columns.items()})
    indices = pa.array(places, mask=places < 0)
    sorted_columns = {name: found[name] for name in found.column_names}
    uses = list(columns.values())
    del found
    placed: dict[str, pa.Array] = {}
    for name, physical in columns.items():
        uses.remove(physical)
        whole = sorted_columns[physical] if physical in uses else sorted_columns.pop(physical)
        placed[name] = whole.combine_chunks().take(indices)
        del whole
    return pa.table(placed)
