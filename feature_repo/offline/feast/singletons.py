"""On-demand views whose function takes one row, over the rows of a table.

Feast would hand such a function the whole columns.
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
    """Feast's transformation of a table by a function of a row."""

    function: Callable[[dict[str, Any]], dict[str, Any]]

    def transform_arrow(self, table: pa.Table, features: Sequence[Field]) -> pa.Table:
        """The features of each row, in the types they are declared."""
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
    """The view; one of single rows works through a table row by row."""
    if not view.singleton:
        return view
    single = copy(view)
    single.feature_transformation = RowByRow(view.feature_transformation.udf)
    return single
