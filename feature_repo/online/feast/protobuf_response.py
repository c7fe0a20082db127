"""Encodes a view's rows as Feast's response: one vector per feature, in protobuf's wire format.

Feast creates a message for every value.  Here the bytes of all vectors of a type are one array, and
protobuf parses them in one call; `protobuf_small` encodes a few rows to the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from feature_repo.home import SECOND
from feature_repo.online.codec import Bools, Ints, RowBatch, RowField
from feature_repo.online.feast.protobuf_wire import (
    NO_VALUE,
    NOT_FOUND,
    NULL_VALUE,
    OUTSIDE_MAX_AGE,
    PRESENT,
    RESULT,
    STATUSES,
    TIME,
    VALUE,
    merge_results,
    sized,
    value_tag,
)

Bytes = npt.NDArray[np.uint8]


def add(response: Any, batch: RowBatch, features: Sequence[str], alive: Bools) -> RowBatch:
    """Add the vectors of N rows to a response, one for each feature.

    Args:
        response: `GetOnlineFeaturesResponse`.
        batch: the rows.
        features: of the layout.
        alive: shape (N,): whether a row is within the ttl; other rows have a time and no values.

    Returns:
        The rows; rows with damaged payloads are marked as damaged.
    """
    fields = [batch.layout.fields[batch.layout.positions[name]] for name in features]
    if merge_results(response, _results(batch, fields, alive)):
        return batch
    valid = batch.without(_unreadable(batch))
    response.MergeFromString(_results(valid, fields, alive))
    return valid


def _results(batch: RowBatch, fields: Sequence[RowField], alive: Bools) -> bytes:
    positions = [batch.layout.positions[field.name] for field in fields]
    nulls = np.ascontiguousarray(batch.nulls[:, positions].T)
    statuses = _statuses(nulls, batch.present, alive)
    times = _times(batch.event, batch.present)
    values: dict[str, bytes] = {}
    for block in dict.fromkeys(field.block for field in fields):
        indexes = [n for n, field in enumerate(fields) if field.block == block]
        has_value = ~nulls[indexes] & alive
        in_block = [fields[n] for n in indexes]
        write = _texts if block is None else _numbers
        names = [field.name for field in in_block]
        values.update(zip(names, write(batch, in_block, has_value), strict=True))
    vectors = [
        values[field.name] + sized(STATUSES, status.tobytes()) + times
        for field, status in zip(fields, statuses, strict=True)
    ]
    return b"".join([sized(RESULT, vector) for vector in vectors])


def _statuses(nulls: Bools, present: Bools, alive: Bools) -> Bytes:
    """Return the statuses, shape (features, N)."""
    status = np.where(nulls, np.uint8(NULL_VALUE), np.uint8(PRESENT))
    status[:, ~alive] = OUTSIDE_MAX_AGE
    status[:, ~present] = NOT_FOUND
    return status


def _texts(batch: RowBatch, fields: Sequence[RowField], has_value: Bools) -> list[bytes]:
    answer = []
    for field, ok in zip(fields, has_value.tolist(), strict=True):
        begin = value_tag(field.kind)
        payloads = zip(batch.payloads(field), ok, strict=True)
        parts = [NO_VALUE if not k or p is None else _value(begin, p) for p, k in payloads]
        answer.append(b"".join(parts))
    return answer


def _numbers(batch: RowBatch, fields: Sequence[RowField], has_value: Bools) -> list[bytes]:
    """Encode the values of fields of one block; a null is a value without content."""
    kind, block = fields[0].kind, fields[0].block or ""
    digits = _digits(kind, batch.heads[block][:, [field.slot for field in fields]].T)
    begin = value_tag(kind)
    head = np.frombuffer(VALUE + bytes([len(begin) + digits.shape[2]]) + begin, np.uint8)
    rows = np.empty((*has_value.shape, len(head) + digits.shape[2]), np.uint8)
    rows[..., : len(head)], rows[..., len(head) :] = head, digits
    return [
        of_field.tobytes() if ok.all() else _without_content(of_field, ok)
        for of_field, ok in zip(rows, has_value, strict=True)
    ]


def _without_content(rows: Bytes, has_value: Bools) -> bytes:
    """Join N messages of one size; a message without a value ends after its length, which is 0."""
    rows[~has_value, 1] = 0
    mask = np.repeat(has_value[:, None], rows.shape[1], axis=1)
    mask[:, :2] = True
    return rows[mask].tobytes()


def _digits(kind: str, values: npt.NDArray[Any]) -> Bytes:
    """Encode numbers, shape (features, N, bytes): floats unchanged, integers as varints."""
    if kind in ("DOUBLE", "FLOAT"):
        exact = np.ascontiguousarray(values, "<f8" if kind == "DOUBLE" else "<f4")
        return exact[..., None].view(np.uint8)
    if kind == "BOOL":
        bits: Bytes = (values != 0).astype(np.uint8)[..., None]
        return bits
    whole = values // SECOND if kind == "UNIX_TIMESTAMP" else values
    return _varints(whole.astype(np.int64))


def _varints(numbers: Ints) -> Bytes:
    """Encode each number in ten groups of seven bits, which protobuf accepts for any number."""
    shifts = np.arange(0, 70, 7, dtype=np.uint64)
    groups = np.ascontiguousarray(numbers).view(np.uint64)[..., None] >> shifts
    digits = (groups & np.uint64(0x7F)).astype(np.uint8) | np.uint8(0x80)
    digits[..., 9] = numbers < 0
    return digits


def _times(event: Ints, present: Bools) -> bytes:
    """Encode N event times, exact to the microsecond; empty for a missing row."""
    rows = np.empty((len(event), 24), np.uint8)
    rows[:, :2] = np.frombuffer(TIME + b"\x16", np.uint8)
    rows[:, 2], rows[:, 13] = 0x08, 0x10
    rows[:, 3:13], rows[:, 14:] = _varints(event // SECOND), _varints(event % SECOND * 1000)
    return rows.tobytes() if present.all() else _without_content(rows, present)


def _unreadable(batch: RowBatch) -> Bools:
    """Return which rows have a payload that is not of its field's type, shape (N,)."""
    bad = np.zeros(len(batch.raw), bool)
    for field in batch.layout.variable:
        begin = value_tag(field.kind)
        for n, payload in enumerate(batch.payloads(field)):
            try:
                Value.FromString(b"" if payload is None else sized(begin, payload))
            except DecodeError:
                bad[n] = True
    return bad


def _value(begin: bytes, payload: bytes) -> bytes:
    size = len(payload)
    if size < 0x70:
        return b"%b%c%b%c%b" % (VALUE, size + len(begin) + 1, begin, size, payload)
    return sized(VALUE, sized(begin, payload))
