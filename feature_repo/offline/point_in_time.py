"""Join features to keys and instants as they were known then, through Feast's historical join.

Feast joins every key with every row of that key before it keeps the newest, so its cost grows with
keys × rows.  Here each view is joined on its own distinct keys and times, and in slices of keys
small enough that one slice's pairs fit in memory.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

    from feature_repo.catalogue import Catalogue

BYTES_PER_SLICE = 250_000_000
"""Of joined pairs before the newest is kept; a process joining 188,448 keys peaked at 0.8 GB."""

_PAIR = "_pair"
_SAMPLE = 500
_BYTES_OF_AN_ENTITY_ROW = 100


def features_at(
    store: "FeatureStore",
    catalogue: "Catalogue",
    keys: pa.Table | pd.DataFrame,
    views: "Sequence[FeatureView]",
) -> pa.Table:
    """Give each row of `keys` what each view knew of its entity strictly before its instant.

    Args:
        store: of the home whose rows are joined; its registry must hold the views.
        catalogue: of the same home; its feature service says which features of a view are read.
        keys: n rows with the views' join keys, null where there is no entity, and
            `event_timestamp`.
        views: of the catalogue.

    Returns:
        n rows in the same order; `<view>__<feature>`, null where missing, and `<view>__present`,
        whether the view had a row.
    """
    frame = keys.to_pandas() if isinstance(keys, pa.Table) else keys
    columns: dict[str, pa.ChunkedArray] = {}
    for view in views:
        columns |= _joined(store, catalogue, view, frame)
    return pa.table(columns)


def _joined(
    store: "FeatureStore", catalogue: "Catalogue", view: "FeatureView", frame: pd.DataFrame
) -> dict[str, pa.ChunkedArray]:
    """The view's columns for each row of the frame."""
    by = [view.join_keys[0], "event_timestamp"]
    pair_of_row = frame.groupby(by, sort=True).ngroup().fillna(-1).to_numpy(np.int64)
    pairs = frame[by].assign(**{_PAIR: pair_of_row})[pair_of_row >= 0]
    pairs = pairs.drop_duplicates(_PAIR).sort_values(_PAIR)
    known = _known(store, view, _features(catalogue, view), pairs)
    rows = known.take(pa.array(pair_of_row, mask=pair_of_row < 0))
    present = rows[f"{view.name}__part"].is_valid()
    return {**{name: rows[name] for name in rows.column_names}, f"{view.name}__present": present}


def _known(
    store: "FeatureStore", view: "FeatureView", features: list[str], pairs: pd.DataFrame
) -> pa.Table:
    """The view's features of each pair, in the order of the pairs."""
    stored = ds.dataset(view.batch_source.path, format="parquet").schema
    schema = pa.schema([(f"{view.name}__{name}", stored.field(name).type) for name in features])
    refs = [f"{view.name}:{name}" for name in features]
    slices = [_historical(store, refs, part) for part in _slices(view, pairs)]
    if not slices:
        return schema.empty_table()
    return pa.concat_tables(
        table.sort_by(_PAIR).select(schema.names).cast(schema) for table in slices
    )


def _historical(store: "FeatureStore", refs: list[str], pairs: pd.DataFrame) -> pa.Table:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        return store.get_historical_features(
            entity_df=pairs.reset_index(drop=True),
            features=refs,
            full_feature_names=True,
            filter_by_created_timestamp=True,
        ).to_arrow()


def _slices(view: "FeatureView", pairs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cut the pairs, sorted by key, so that each slice's joined bytes stay under the limit."""
    if pairs.empty:
        return
    key = view.join_keys[0]
    rows_of_key, row_bytes = _weights(view.batch_source.path, key)
    bytes_of_pair = pairs[key].map(rows_of_key).fillna(0).to_numpy() * row_bytes
    slice_of_pair = bytes_of_pair.cumsum() // BYTES_PER_SLICE
    for _, part in pairs.groupby(slice_of_pair):
        yield part


def _weights(folder: str, key: str) -> tuple["pd.Series[int]", float]:
    """Rows of each key, and the mean bytes of a row by a sample of them."""
    with duckdb.connect() as db:
        db.read_parquet(f"{folder}/*.parquet").create_view("stored")
        counted = db.sql(f"select {key}, count(*) as n from stored group by {key}").df()
        sampled = db.sql(
            f"select avg(strlen(stored::varchar)) from (from stored limit {_SAMPLE}) as stored"
        ).fetchall()
    row_bytes = float(sampled[0][0] or 0) + _BYTES_OF_AN_ENTITY_ROW
    return counted.set_index(key)["n"], row_bytes


def _features(catalogue: "Catalogue", view: "FeatureView") -> list[str]:
    """What the feature service reads of a view."""
    projections = catalogue.ranking_v1.feature_view_projections
    return [f.name for p in projections if p.name == view.name for f in p.features]
