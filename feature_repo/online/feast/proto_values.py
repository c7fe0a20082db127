"""Converts Feast's protobuf values to columns of stored rows.

Values of variable size are stored as protobuf encodes them: text as UTF-8, lists, sets and maps as
Feast's own message.  A response copies them without conversion.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from feast.protos.feast.types import Value_pb2
from feast.protos.feast.types.Value_pb2 import Value

from feature_repo.home import SECOND
from feature_repo.online.codec import (
    BLOCK_OF,
    WIDTHS,
    FixedColumn,
    Payloads,
    RowField,
    RowLayout,
)
from feature_repo.online.redis import BYTES

NO_TIME = -(2**63)
"""Feast's null among timestamps."""

_MESSAGE = 11
_SPECIAL = {
    "PDF_BYTES": "bytes_val",
    "IMAGE_BYTES": "bytes_val",
    "VALUE_LIST": "list_val",
    "VALUE_SET": "set_val",
}
_WHOLE = {"int32_val", "int64_val", "bool_val"}
_NUMBERS = {*_WHOLE, "double_val", "float_val"}
_ACCEPTED = {
    "DOUBLE": _NUMBERS,
    "FLOAT": _NUMBERS,
    "INT64": _WHOLE,
    "INT32": _WHOLE,
    "BOOL": {"bool_val"},
    "UNIX_TIMESTAMP": {"unix_timestamp_val", "int64_val", "int32_val"},
}
_LARGEST = {"INT32": 2**31 - 1, "UNIX_TIMESTAMP": 2**63 // SECOND - 1}


@cache
def value_field(kind: str) -> Any:
    """Return the descriptor of a Feast value type's field in `Value`."""
    return Value.DESCRIPTOR.fields_by_name[_SPECIAL.get(kind, f"{kind.lower()}_val")]


def message_class(kind: str) -> Any:
    """Return the message class of a type; None for text and bytes."""
    descriptor = value_field(kind)
    is_message = descriptor.type == _MESSAGE
    return getattr(Value_pb2, descriptor.message_type.name) if is_message else None


def columns_of(
    layout: RowLayout, rows: Sequence[Mapping[str, Any]]
) -> dict[str, FixedColumn | Payloads]:
    """Return the columns of N rows given as Feast values by feature.

    Raises:
        ValueError: a value has another type than its feature.
    """
    return {
        field.name: column_of(field, [row.get(field.name) for row in rows])
        for field in layout.fields
    }


def column_of(field: RowField, values: Sequence[Any]) -> FixedColumn | Payloads:
    """Return the column of N Feast values; None counts as null.

    Raises:
        ValueError: a value has another type than the feature.
    """
    if field.kind not in BLOCK_OF:
        return pa.array([_payload(field, value) for value in values], BYTES)
    numbers = [_number(field, value) for value in values]
    nulls = np.array([number is None for number in numbers], bool)
    filled = [0 if number is None else number for number in numbers]
    exact = np.array(filled, "<f8" if field.kind in ("DOUBLE", "FLOAT") else "<i8")
    with np.errstate(over="ignore"):
        return FixedColumn(exact.astype(WIDTHS[BLOCK_OF[field.kind]][0]), nulls)


def _number(field: RowField, value: Any) -> float | int | None:
    kind = _kind(value)
    if kind is None:
        return None
    if kind not in _ACCEPTED[field.kind]:
        raise _mismatch(field, kind)
    number: float | int = getattr(value, kind)
    if field.kind == "UNIX_TIMESTAMP" and number == NO_TIME:
        return None
    largest = _LARGEST.get(field.kind)
    if largest is not None and not -largest <= number + (number < 0) <= largest:
        raise _mismatch(field, f"{number}, which is too large")
    return number * SECOND if field.kind == "UNIX_TIMESTAMP" else number


def _payload(field: RowField, value: Any) -> bytes | None:
    kind = _kind(value)
    if kind is None:
        return None
    expected = value_field(field.kind)
    actual = Value.DESCRIPTOR.fields_by_name[kind]
    if actual.type != expected.type or actual.message_type is not expected.message_type:
        raise _mismatch(field, kind)
    content = getattr(value, kind)
    if isinstance(content, bytes):
        return content
    payload: bytes = content.encode() if isinstance(content, str) else content.SerializeToString()
    return payload


def _kind(value: Any) -> str | None:
    kind: str | None = None if value is None else value.WhichOneof("val")
    return None if kind == "null_val" else kind


def _mismatch(field: RowField, actual: str) -> ValueError:
    return ValueError(f"{field.name}: expected {field.kind}, found {actual}")
