"""A view's rows as Feast's answer: one vector a feature, written in protobuf's own format.

Feast makes a message for every value.  Here the bytes of a whole vector are put together from
columns, and protobuf reads them at once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus, GetOnlineFeaturesResponse
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from feature_repo.instants import SECOND
from feature_repo.online.packing import Bools, Ints, RowBatch
from feature_repo.online.proto_values import value_field
from feature_repo.online.row_layout import RowField

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
_WIRE = {"doubles": (_EIGHT_BYTES, "<f8"), "floats": (_FOUR_BYTES, "<f4")}
_VALUES, _STATUSES, _TIMES = b"\x0a", b"\x12", b"\x1a"
_NULL = _VALUES + b"\0"

Vector = GetOnlineFeaturesResponse.FeatureVector


def vectors(batch: RowBatch, features: Sequence[str], alive: Bools) -> tuple[list[Any], RowBatch]:
    """The answer to N rows, a vector for each feature.

    Args:
        batch: the rows.
        features: of the layout; others are found nowhere.
        alive: shape (N,): whether a row is young enough; of others nothing is told but its time.

    Returns:
        The vectors, and the rows without those whose payloads turned out to be damaged.
    """
    try:
        return [Vector.FromString(v) for v in _write(batch, features, alive)], batch
    except DecodeError:
        healthy = batch.without(_unreadable(batch))
        return [Vector.FromString(v) for v in _write(healthy, features, alive)], healthy


def _write(batch: RowBatch, features: Sequence[str], alive: Bools) -> list[bytes]:
    times = _times(batch.event, batch.found)
    places = batch.layout.places
    fields = [batch.layout.fields[places[name]] if name in places else None for name in features]
    return [
        _values(field, batch, alive) + _sized(_STATUSES, _statuses(field, batch, alive)) + times
        for field in fields
    ]


def _values(field: RowField | None, batch: RowBatch, alive: Bools) -> bytes:
    if field is None:
        return _NULL * len(batch.raw)
    tag = value_field(field.kind).number
    if field.block is None:
        begin = _varint(tag << 3 | _SIZED)
        payloads = zip(batch.payloads(field), alive.tolist(), strict=True)
        return b"".join(
            [
                _NULL if p is None or not ok else _sized(_VALUES, _sized(begin, p))
                for p, ok in payloads
            ]
        )
    known = alive & ~batch.nulls[:, batch.layout.places[field.name]]
    begin = _varint(tag << 3 | _WIRE.get(field.block, (_VARINT, ""))[0])
    return _rows(begin, _digits(field, batch.values(field)), known)


def _rows(begin: bytes, digits: npt.NDArray[np.uint8], known: Bools) -> bytes:
    """N values of one size each; a null is written as a value without content."""
    head = np.frombuffer(_VALUES + bytes([len(begin) + digits.shape[1]]) + begin, np.uint8)
    rows = np.hstack([np.broadcast_to(head, (len(digits), len(head))), digits])
    if known.all():
        return rows.tobytes()
    rows[~known, 1] = 0
    kept = np.repeat(known[:, None], rows.shape[1], axis=1)
    kept[:, :2] = True
    return rows[kept].tobytes()


def _digits(field: RowField, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Shape (N, bytes of one): floats as they are, whole numbers as varints."""
    if field.block in _WIRE:
        digits: npt.NDArray[np.uint8] = values.astype(_WIRE[field.block][1])[:, None].view(np.uint8)
        return digits
    if field.kind == "BOOL":
        bits: npt.NDArray[np.uint8] = (values != 0).astype(np.uint8)[:, None]
        return bits
    whole = values // SECOND if field.kind == "UNIX_TIMESTAMP" else values
    return _varints(whole.astype(np.int64))


def _varints(numbers: Ints) -> npt.NDArray[np.uint8]:
    """Shape (N, 10): each number in ten groups of seven bits, the form protobuf reads for any."""
    shifts = np.arange(0, 70, 7, dtype=np.uint64)
    groups = np.ascontiguousarray(numbers).view(np.uint64)[:, None] >> shifts
    digits = (groups & np.uint64(0x7F)).astype(np.uint8) | np.uint8(0x80)
    digits[:, 9] = numbers < 0
    return digits


def _statuses(field: RowField | None, batch: RowBatch, alive: Bools) -> bytes:
    nulls: Any = True if field is None else batch.nulls[:, batch.layout.places[field.name]]
    status = np.where(nulls, FieldStatus.NULL_VALUE, FieldStatus.PRESENT)
    status = np.where(alive, status, FieldStatus.OUTSIDE_MAX_AGE)
    status = np.where(batch.found, status, FieldStatus.NOT_FOUND)
    return status.astype(np.uint8).tobytes()


def _times(event: Ints, found: Bools) -> bytes:
    """N event times, exact to the microsecond; an empty one where there is no row."""
    seconds = _varints(event // SECOND)
    nanos = _varints(event % SECOND * 1000)
    tags = np.full((len(event), 1), 0x08, np.uint8), np.full((len(event), 1), 0x10, np.uint8)
    rows = np.hstack([tags[0], seconds, tags[1], nanos])
    head = np.tile(np.frombuffer(_TIMES + bytes([rows.shape[1]]), np.uint8), (len(event), 1))
    head[~found, 1] = 0
    whole = np.hstack([head, rows])
    kept = np.repeat(found[:, None], whole.shape[1], axis=1)
    kept[:, :2] = True
    return whole[kept].tobytes()


def _unreadable(batch: RowBatch) -> Bools:
    """Shape (N,): rows with a payload that is not what its field says."""
    from feast.protos.feast.types.Value_pb2 import Value

    bad = np.zeros(len(batch.raw), bool)
    for field in batch.layout.variable:
        begin = _varint(value_field(field.kind).number << 3 | _SIZED)
        for n, payload in enumerate(batch.payloads(field)):
            try:
                Value.FromString(b"" if payload is None else _sized(begin, payload))
            except DecodeError:
                bad[n] = True
    return bad


def _sized(begin: bytes, payload: bytes) -> bytes:
    return begin + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
