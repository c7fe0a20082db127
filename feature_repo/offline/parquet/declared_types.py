"""Check the column types of a source against the declared types of its features."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from feature_repo.home import CatalogueError

if TYPE_CHECKING:
    from feast import Field


def check_declared_types(
    stored_field: Callable[[str], pa.Field], path: str, features: "Mapping[str, Field]"
) -> None:
    """Check each column of a source against its feature.

    Numbers of any width, bools and times are compatible; so are text and bytes.  Types without a
    counterpart in Arrow are not checked.

    Args:
        stored_field: returns the source's field of a column name.
        path: of the source, for the error message.
        features: by column name.

    Raises:
        CatalogueError: a column has text where a number is declared, a scalar where a list is, and
            so on; `stored_field` may raise it too, for a missing column.
    """
    for column, feature in features.items():
        stored, declared = stored_field(column).type, feature.dtype
        kinds = _kind(stored), _kind(_arrow(declared))
        if None not in kinds and kinds[0] != kinds[1]:
            raise CatalogueError(
                f"Feature {feature.name!r} is declared {declared}, but column {column!r} of "
                f"{path} holds {stored}; change one of them."
            )


def _arrow(declared: object) -> pa.DataType:
    from feast.types import from_feast_to_pyarrow_type  # The readers of rows need no Feast.

    try:
        return from_feast_to_pyarrow_type(declared)
    except ValueError:
        return pa.null()


def _kind(stored: pa.DataType) -> str | None:
    if pa.types.is_dictionary(stored):
        return _kind(stored.value_type)
    if pa.types.is_list(stored) or pa.types.is_large_list(stored):
        inner = _kind(stored.value_type)
        return inner and f"list of {inner}"
    if pa.types.is_primitive(stored) or pa.types.is_decimal(stored):
        return "number"
    if pa.types.is_string(stored) or pa.types.is_large_string(stored):
        return "text"
    return "text" if pa.types.is_binary(stored) or pa.types.is_large_binary(stored) else None
