"""The one schema of files that differ mildly, as several writers of one table make them."""

from collections.abc import Mapping
from contextlib import suppress

import pyarrow as pa

from feature_repo.home import CatalogueError


def unified_schema(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """Every column of some files, each of the type that holds what they all have.

    Numbers become the wider of two, times without a zone or of two zones are UTC, days are times,
    and text is text, however it is encoded.

    Args:
        schemas: path → schema of the file.

    Raises:
        CatalogueError: a column has no such type; it names the first file that does not fit.
    """
    fields: dict[str, pa.Field] = {}
    for path, schema in schemas.items():
        for field in schema:
            known = fields.setdefault(field.name, field)
            if not known.equals(field):
                fields[field.name] = _wider(known, field, path)
    return pa.schema([*fields.values()]).remove_metadata()


def _wider(known: pa.Field, found: pa.Field, path: str) -> pa.Field:
    for pair in ((known, found), [field.with_type(_plain(field.type)) for field in (known, found)]):
        with suppress(pa.ArrowTypeError, pa.ArrowInvalid):
            schemas = [pa.schema([field]) for field in pair]
            return pa.unify_schemas(schemas, promote_options="permissive").field(0)
    raise CatalogueError(
        f"{path}: column {found.name!r} holds {found.type}, but {known.type} in the files before "
        "it; write it as one type."
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that others of its kind can be cast to."""
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
