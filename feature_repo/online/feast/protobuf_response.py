"""A view's rows as Feast's answer: one vector a feature, written in protobuf's own format.

Feast makes a message for every value.  Here the bytes of all vectors of a type are put together as
one array, and protobuf reads them at once; `few_rows` writes the same of a few rows.
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
    merged,
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
        alive: shape (N,): whether a row is young enough; of others nothing is told but its time.

    Returns:
        The rows without those whose payloads turned out to be damaged.
    """
    fields = [batch.layout.fields[batch.layout.positions[name]] for name in features]
    if merged(response, _results(batch, fields, alive)):
        return batch
    healthy = batch.without(_unreadable(batch))
    response.MergeFromString(_results(healthy, fields, alive))
    return healthy


def _results(batch: RowBatch, fields: Sequence[RowField], alive: Bools) -> bytes:
    places = [batch.layout.positions[field.name] for field in fields]
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
    vectors = [
        values[field.name] + sized(STATUSES, status.tobytes()) + times
        for field, status in zip(fields, statuses, strict=True)
    ]
    return b"".join([sized(RESULT, vector) for vector in vectors])


def _statuses(nulls: Bools, found: Bools, alive: Bools) -> Bytes:
    """Shape (features, N)."""
    status = np.where(nulls, np.uint8(NULL_VALUE), np.uint8(PRESENT))
    status[:, ~alive] = OUTSIDE_MAX_AGE
    status[:, ~found] = NOT_FOUND
    return status


def _texts(batch: RowBatch, fields: Sequence[RowField], known: Bools) -> list[bytes]:
    answer = []
    for field, ok in zip(fields, known.tolist(), strict=True):
        begin = value_tag(field.kind)
        payloads = zip(batch.payloads(field), ok, strict=True)
        parts = [NO_VALUE if not k or p is None else _value(begin, p) for p, k in payloads]
        answer.append(b"".join(parts))
    return answer


def _numbers(batch: RowBatch, fields: Sequence[RowField], known: Bools) -> list[bytes]:
    """The values of fields of one block; a null is written as a value without content."""
    kind, block = fields[0].kind, fields[0].block or ""
    digits = _digits(kind, batch.heads[block][:, [field.slot for field in fields]].T)
    begin = value_tag(kind)
    head = np.frombuffer(VALUE + bytes([len(begin) + digits.shape[2]]) + begin, np.uint8)
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
    rows[:, :2] = np.frombuffer(TIME + b"\x16", np.uint8)
    rows[:, 2], rows[:, 13] = 0x08, 0x10
    rows[:, 3:13], rows[:, 14:] = _varints(event // SECOND), _varints(event % SECOND * 1000)
    return rows.tobytes() if found.all() else _without_content(rows, found)


def _unreadable(batch: RowBatch) -> Bools:
    """Shape (N,): rows with a payload that is not what its field says."""
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
