"""Converts Feast's values and Arrow tables to keys and packed rows."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import EPOCH, CatalogueError
from feature_repo.online.codec import Ints, ViewCodec, pack
from feature_repo.online.feast import arrow_columns, proto_values
from feature_repo.online.feast.row_store import Rows
from feature_repo.online.redis import BYTES, concatenate, entity_suffix

if TYPE_CHECKING:
    from feast import FeatureView

FeastRow = tuple[Any, Mapping[str, Any], datetime, datetime | None]
"""Entity key, values by feature, event time and created time, as Feast passes them."""

_logger = logging.getLogger(__name__)
_MOMENT = timedelta(microseconds=1)


def from_values(codec: ViewCodec, view: str, data: Sequence[FeastRow]) -> Rows:
    """Return rows given as Feast's values; naive times are UTC.

    A row whose entity or event time is null is skipped, the latter with a warning.

    Raises:
        ValueError: a value has another type than its feature.
    """
    data = _timed(view, data)
    suffixes = [entity_suffix(by_join_key(key)) for key, _, _, _ in data]
    columns = proto_values.columns_of(codec.layout, [values for _, values, _, _ in data])
    event = np.array([_micros(stamp) for _, _, stamp, _ in data], np.int64)
    created = [
        _micros(stamp if pd.isna(written_at) else written_at) for _, _, stamp, written_at in data
    ]
    rows = pack(codec.layout, columns, event, np.array(created, np.int64))
    return _keyed(codec, pa.array(suffixes, BYTES), rows)


def from_table(
    codec: ViewCodec,
    view: "FeatureView",
    table: pa.Table,
    timestamp_field: str,
    created_column: str | None,
) -> Rows:
    """Return the rows of an Arrow table; one whose entity or event time is null is skipped.

    Raises:
        CatalogueError: a column is absent or of a wrong type, or the view was never applied.
    """
    stamps = arrow_columns.column(table, timestamp_field)
    if stamps.null_count:
        table = table.filter(stamps.is_valid())
        stamps = arrow_columns.column(table, timestamp_field)
    if not view.entity_columns:
        raise CatalogueError(
            f"{view.name}: expected a view from the registry, found one not applied"
        )
    kinds = {column.name: column.dtype.to_value_type().name for column in view.entity_columns}
    suffixes = arrow_columns.suffixes_of(table, kinds)
    event = arrow_columns.instants(stamps).values
    created: Ints | None = None
    if created_column is not None:
        times = arrow_columns.instants(arrow_columns.column(table, created_column))
        created = np.where(times.nulls, event, times.values)
    rows = pack(codec.layout, arrow_columns.columns_of(codec.layout, table), event, created)
    return _keyed(codec, suffixes, rows)


def by_join_key(entity_key: Any) -> dict[str, Any]:
    """Return an entity key's values by join key."""
    return dict(zip(entity_key.join_keys, entity_key.entity_values, strict=True))


def packs(table: pa.Table, size: int) -> Iterator[pa.Table]:
    """Split a table into parts of `size` rows, without copies."""
    return (table.slice(at, size) for at in range(0, table.num_rows, size))


def _keyed(codec: ViewCodec, suffixes: pa.Array, rows: pa.Array) -> Rows:
    keys = concatenate(codec.prefix, suffixes)
    if keys.null_count:
        valid = pc.is_valid(keys)
        keys, rows = keys.filter(valid), rows.filter(valid)
    return Rows(keys, rows)


def _timed(view: str, data: Sequence[FeastRow]) -> Sequence[FeastRow]:
    timed = [row for row in data if not pd.isna(row[2])]
    if len(timed) < len(data):
        _logger.warning(
            "%d of %d rows of %s not stored: they have no event time",
            len(data) - len(timed),
            len(data),
            view,
        )
    return timed


def _micros(moment: datetime) -> int:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (aware - EPOCH) // _MOMENT
