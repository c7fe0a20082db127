"""On-demand views whose function takes one row (`singleton=True`), applied to every row of a table.

Stock Feast passes whole columns to such a function.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from feast import Field
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.types import from_feast_to_pyarrow_type


@dataclass(frozen=True)
class RowByRow:
    """Feast transformation that applies a function to each row of a table."""

    function: Callable[[dict[str, Any]], dict[str, Any]]

    def transform_arrow(self, table: pa.Table, features: Sequence[Field]) -> pa.Table:
        """Compute the features of each row, in their declared types."""
        rows = [self.function(row) for row in table.to_pylist()]
        return pa.table(
            {
                field.name: pa.array(
                    [row[field.name] for row in rows], from_feast_to_pyarrow_type(field.dtype)
                )
                for field in features
            }
        )


def by_row(view: OnDemandFeatureView) -> OnDemandFeatureView:
    """Return the view; a singleton view is changed to process a table row by row."""
    if not view.singleton:
        return view
    single = copy(view)
    single.feature_transformation = RowByRow(view.feature_transformation.udf)
    return single
