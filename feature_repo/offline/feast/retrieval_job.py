"""A historical retrieval that is computed on demand.

It is a Feast RetrievalJob that can also return Arrow batches: `to_batches` has no more than one
slice in memory.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast.data_source import DataSource
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from feature_repo.home import SourceChangedError
from feature_repo.offline.join import spill
from feature_repo.offline.parquet import ParquetTarget

_EXACT_IN_FLOAT64 = 1 << 53
_ATTEMPTS = 5

Result = TypeVar("Result")


class AisleRetrievalJob(RetrievalJob):  # type: ignore[misc]
    """Joined rows, computed on demand, whole or slice by slice."""

    def __init__(
        self,
        table: Callable[[], pa.Table],
        slices: Callable[[], Iterator[pa.Table]],
        *,
        target: Callable[[DataSource], ParquetTarget],
        on_demand: list[OnDemandFeatureView] | None = None,
        full_feature_names: bool = False,
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._table, self._slices, self._target = table, slices, target
        self._on_demand = on_demand or []
        self._full_feature_names = full_feature_names
        self._metadata = metadata

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `to_arrow` in record batches."""
        for table in self._slices():
            yield from self._transformed(table).to_batches()

    def to_disk(self) -> pa.Table:
        """Return the table of `to_arrow`, memory-mapped from a temporary file without a name."""
        return _retry(lambda: spill(self._transformed(table) for table in self._slices()))

    def to_df(self, validation_reference: Any = None, timeout: int | None = None) -> pd.DataFrame:
        """Return a data frame; integers with nulls are `Int64` if a float would change them."""
        table = self.to_arrow(validation_reference=validation_reference, timeout=timeout)
        return data_frame(table)

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,  # noqa: ARG002
    ) -> None:
        """Write the rows, slice by slice, to the storage's path.

        Raises:
            feast.errors.SavedDatasetLocationAlreadyExists: the path exists and `allow_overwrite` is
                false.
        """
        target = self._target(storage.to_data_source())

        def write() -> None:
            target.write((self._transformed(table) for table in self._slices()), allow_overwrite)

        _retry(write)

    @property
    def full_feature_names(self) -> bool:
        """Whether column names start with the name of the view."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """On-demand views, computed from the joined rows."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """Metadata of the request: features, keys and time range."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002
        return _retry(self._table)

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:  # noqa: ARG002
        return data_frame(_retry(self._table))

    def _transformed(self, table: pa.Table) -> pa.Table:
        if not self._on_demand:
            return table
        # Feast applies on-demand views in `to_arrow`, so wrap the slice in a separate job.
        job = AisleRetrievalJob(
            lambda: table,
            lambda: iter([table]),
            target=self._target,
            on_demand=self._on_demand,
            full_feature_names=self._full_feature_names,
            metadata=self._metadata,
        )
        return job.to_arrow()


def _retry(compute: Callable[[], Result]) -> Result:
    """Compute again, up to `_ATTEMPTS` times, if a refresh replaced a file meanwhile."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(SourceChangedError):
            return compute()
    return compute()


def data_frame(table: pa.Table) -> pd.DataFrame:
    """Convert a table to pandas; integer columns with nulls keep all digits."""
    frame: pd.DataFrame = table.to_pandas()
    for name in table.column_names:
        if _is_inexact_as_float(table[name]):
            frame[name] = table[name].to_pandas(
                types_mapper={table[name].type: pd.Int64Dtype()}.get
            )
    return frame.reset_index(drop=True)


def _is_inexact_as_float(column: pa.ChunkedArray) -> bool:
    if not column.null_count or not pa.types.is_int64(column.type):
        return False
    bounds = pc.min_max(column).as_py()
    return bool(max(abs(bounds["min"] or 0), abs(bounds["max"] or 0)) > _EXACT_IN_FLOAT64)
