"""One schema for files whose column types differ slightly, as several writers produce them."""

from collections.abc import Mapping
from contextlib import suppress

import pyarrow as pa

from feature_repo.home import CatalogueError


def unified_schema(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """Unify the schemas of files: every column, each of a type that can hold all of its values.

    Numbers become the wider type; times without a zone or of different zones become UTC; dates
    become times; dictionaries and string views become plain text.

    Args:
        schemas: path → schema of the file.

    Raises:
        CatalogueError: a column has no common type; names the first file that does not fit.
    """
    fields: dict[str, pa.Field] = {}
    for path, schema in schemas.items():
        for field in schema:
            current = fields.setdefault(field.name, field)
            if not current.equals(field):
                fields[field.name] = _wider(current, field, path)
    return pa.schema([*fields.values()]).remove_metadata()


def _wider(current: pa.Field, other: pa.Field, path: str) -> pa.Field:
    plain = [field.with_type(_plain(field.type)) for field in (current, other)]
    for pair in ([current, other], plain):
        with suppress(pa.ArrowTypeError, pa.ArrowInvalid):
            schemas = [pa.schema([field]) for field in pair]
            return pa.unify_schemas(schemas, promote_options="permissive").field(0)
    raise CatalogueError(
        f"{path}: column {other.name!r} holds {other.type}, but {current.type} in the files before "
        "it; write it as one type."
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the plain type of a kind; its other types can be cast to it."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_date(kind):
        return pa.timestamp("s", "UTC")
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind
