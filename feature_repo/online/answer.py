"""A view's rows as Feast's answer: one vector a feature, written in protobuf's own format.

Feast makes a message for every value.  Here the bytes of all vectors of a type are put together as
one array, and protobuf reads them at once; only a few rows are quicker one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus, GetOnlineFeaturesResponse
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from feature_repo.instants import SECOND
from feature_repo.online.packing import Bools, Ints, RowBatch
from feature_repo.online.proto_values import value_field
from feature_repo.online.row_layout import RowField

FEW = 6
"""Rows up to which messages are made one by one."""

PRESENT = FieldStatus.PRESENT
NULL_VALUE = FieldStatus.NULL_VALUE
NOT_FOUND = FieldStatus.NOT_FOUND
OUTSIDE_MAX_AGE = FieldStatus.OUTSIDE_MAX_AGE

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
_WIRE = {"doubles": (_EIGHT_BYTES, "<f8"), "floats": (_FOUR_BYTES, "<f4")}
_VALUES, _STATUSES, _TIMES = b"\x0a", b"\x12", b"\x1a"
_NULL = _VALUES + b"\0"

Bytes = npt.NDArray[np.uint8]
Vector = GetOnlineFeaturesResponse.FeatureVector


def vectors(batch: RowBatch, features: Sequence[str], alive: Bools) -> tuple[list[Any], RowBatch]:
    """The answer to N rows, a vector for each feature.

    Args:
        batch: the rows.
        features: of the layout.
        alive: shape (N,): whether a row is young enough; of others nothing is told but its time.

    Returns:
        The vectors, and the rows without those whose payloads turned out to be damaged.
    """
    write = _few if len(batch.raw) <= FEW else _many
    fields = [batch.layout.fields[batch.layout.places[name]] for name in features]
    try:
        return write(batch, fields, alive), batch
    except DecodeError:
        healthy = batch.without(_unreadable(batch))
        return write(healthy, fields, alive), healthy


def _few(batch: RowBatch, fields: Sequence[RowField], alive: Bools) -> list[Any]:
    found = batch.found.tolist()
    events = zip(batch.event.tolist(), found, strict=True)
    times = [_timestamp(at) if ok else Timestamp() for at, ok in events]
    missing = [
        (OUTSIDE_MAX_AGE if ok else NOT_FOUND) if not (ok and young) else None
        for ok, young in zip(found, alive.tolist(), strict=True)
    ]
    nulls = batch.nulls.tolist()
    blocks = {name: batch.heads[name].tolist() for name in {f.block for f in fields} if name}
    whole = not any(missing) and not batch.nulls.any()
    present = [PRESENT] * len(found)
    answer = []
    for field in fields:
        if whole:
            values = _messages(field, batch, blocks)
            answer.append(Vector(values=values, statuses=present, event_timestamps=times))
            continue
        place = batch.layout.places[field.name]
        statuses = [
            status or (NULL_VALUE if row[place] else PRESENT)
            for status, row in zip(missing, nulls, strict=True)
        ]
        values = [
            value if status == PRESENT else Value()
            for value, status in zip(_messages(field, batch, blocks), statuses, strict=True)
        ]
        answer.append(Vector(values=values, statuses=statuses, event_timestamps=times))
    return answer


def _messages(
    field: RowField, batch: RowBatch, blocks: Mapping[str, Sequence[Sequence[Any]]]
) -> list[Any]:
    number = value_field(field.kind)
    if field.block is None:
        begin = _varint(number.number << 3 | _SIZED)
        payloads = batch.payloads(field)
        return [Value.FromString(_sized(begin, p)) if p is not None else None for p in payloads]
    values = [row[field.slot] for row in blocks[field.block]]
    if field.kind == "UNIX_TIMESTAMP":
        values = [value // SECOND for value in values]
    elif field.kind == "BOOL":
        values = [bool(value) for value in values]
    name = number.name
    return [Value(**{name: value}) for value in values]


def _timestamp(at: int) -> Any:
    seconds, micros = divmod(at, SECOND)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def _many(batch: RowBatch, fields: Sequence[RowField], alive: Bools) -> list[Any]:
    places = [batch.layout.places[field.name] for field in fields]
    nulls = np.ascontiguousarray(batch.nulls[:, places].T)
    statuses = _statuses(nulls, batch.found, alive)
    times = _times(batch.event, batch.found)
    values: dict[str, bytes] = {}
    for block in dict.fromkeys(field.block for field in fields):
        of_it = [n for n, field in enumerate(fields) if field.block == block]
        known = ~nulls[of_it] & alive
        some = [fields[n] for n in of_it]
        write = _texts if block is None else _numbers
        names = [field.name for field in some]
        values.update(zip(names, write(batch, some, known), strict=True))
    return [
        Vector.FromString(values[field.name] + _sized(_STATUSES, status.tobytes()) + times)
        for field, status in zip(fields, statuses, strict=True)
    ]


def _statuses(nulls: Bools, found: Bools, alive: Bools) -> Bytes:
    """Shape (features, N)."""
    status = np.where(nulls, np.uint8(NULL_VALUE), np.uint8(PRESENT))
    status[:, ~alive] = OUTSIDE_MAX_AGE
    status[:, ~found] = NOT_FOUND
    return status


def _texts(batch: RowBatch, fields: Sequence[RowField], known: Bools) -> list[bytes]:
    answer = []
    for field, ok in zip(fields, known.tolist(), strict=True):
        begin = _varint(value_field(field.kind).number << 3 | _SIZED)
        payloads = zip(batch.payloads(field), ok, strict=True)
        parts = [_NULL if not k or p is None else _value(begin, p) for p, k in payloads]
        answer.append(b"".join(parts))
    return answer


def _numbers(batch: RowBatch, fields: Sequence[RowField], known: Bools) -> list[bytes]:
    """The values of fields of one block; a null is written as a value without content."""
    kind, block = fields[0].kind, fields[0].block or ""
    digits = _digits(kind, batch.heads[block][:, [field.slot for field in fields]].T)
    begin = _varint(value_field(kind).number << 3 | _WIRE.get(block, (_VARINT, ""))[0])
    head = np.frombuffer(_VALUES + bytes([len(begin) + digits.shape[2]]) + begin, np.uint8)
    rows = np.empty((*known.shape, len(head) + digits.shape[2]), np.uint8)
    rows[..., : len(head)], rows[..., len(head) :] = head, digits
    return [
        of_field.tobytes() if ok.all() else _without_content(of_field, ok)
        for of_field, ok in zip(rows, known, strict=True)
    ]


def _without_content(rows: Bytes, known: Bools) -> bytes:
    """N messages of one size, those that are not known cut after their length, which is 0."""
    rows[~known, 1] = 0
    kept = np.repeat(known[:, None], rows.shape[1], axis=1)
    kept[:, :2] = True
    return rows[kept].tobytes()


def _digits(kind: str, values: npt.NDArray[Any]) -> Bytes:
    """Shape (features, N, bytes of one): floats as they are, whole numbers as varints."""
    if kind in ("DOUBLE", "FLOAT"):
        exact = np.ascontiguousarray(values, "<f8" if kind == "DOUBLE" else "<f4")
        return exact[..., None].view(np.uint8)
    if kind == "BOOL":
        bits: Bytes = (values != 0).astype(np.uint8)[..., None]
        return bits
    whole = values // SECOND if kind == "UNIX_TIMESTAMP" else values
    return _varints(whole.astype(np.int64))


def _varints(numbers: Ints) -> Bytes:
    """Each number in ten groups of seven bits, the form protobuf reads for any."""
    shifts = np.arange(0, 70, 7, dtype=np.uint64)
    groups = np.ascontiguousarray(numbers).view(np.uint64)[..., None] >> shifts
    digits = (groups & np.uint64(0x7F)).astype(np.uint8) | np.uint8(0x80)
    digits[..., 9] = numbers < 0
    return digits


def _times(event: Ints, found: Bools) -> bytes:
    """N event times, exact to the microsecond; an empty one where there is no row."""
    rows = np.empty((len(event), 24), np.uint8)
    rows[:, :2] = np.frombuffer(_TIMES + b"\x16", np.uint8)
    rows[:, 2], rows[:, 13] = 0x08, 0x10
    rows[:, 3:13], rows[:, 14:] = _varints(event // SECOND), _varints(event % SECOND * 1000)
    return rows.tobytes() if found.all() else _without_content(rows, found)


def _unreadable(batch: RowBatch) -> Bools:
    """Shape (N,): rows with a payload that is not what its field says."""
    bad = np.zeros(len(batch.raw), bool)
    for field in batch.layout.variable:
        begin = _varint(value_field(field.kind).number << 3 | _SIZED)
        for n, payload in enumerate(batch.payloads(field)):
            try:
                Value.FromString(b"" if payload is None else _sized(begin, payload))
            except DecodeError:
                bad[n] = True
    return bad


def _value(begin: bytes, payload: bytes) -> bytes:
    size = len(payload)
    if size < 0x70:
        return b"%b%c%b%c%b" % (_VALUES, size + len(begin) + 1, begin, size, payload)
    return _sized(_VALUES, _sized(begin, payload))


def _sized(begin: bytes, payload: bytes) -> bytes:
    return begin + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    if number <= 0x7F:
        return bytes((number,))
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
