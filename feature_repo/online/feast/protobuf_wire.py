"""The wire format of Feast's response: field tags, numbers and sizes."""

from functools import cache
from typing import Any

from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from feature_repo.online.codec import BLOCK_OF
from feature_repo.online.feast.proto_values import value_field

PRESENT = FieldStatus.PRESENT
NULL_VALUE = FieldStatus.NULL_VALUE
NOT_FOUND = FieldStatus.NOT_FOUND
OUTSIDE_MAX_AGE = FieldStatus.OUTSIDE_MAX_AGE

RESULT = b"\x12"
"""Tag of a vector in a response."""

VALUE, STATUSES, TIME = b"\x0a", b"\x12", b"\x1a"
"""Tags of the parts of a vector."""

NO_VALUE, NO_TIME = VALUE + b"\0", TIME + b"\0"

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
_FLOATS = {"DOUBLE": _EIGHT_BYTES, "FLOAT": _FOUR_BYTES}
_ONE = tuple(bytes((number,)) for number in range(0x80))


@cache
def value_tag(kind: str) -> bytes:
    """Return the tag of the content of a Feast value type."""
    wire = _FLOATS.get(kind, _VARINT) if kind in BLOCK_OF else _SIZED
    return varint(value_field(kind).number << 3 | wire)


def varint(number: int) -> bytes:
    """Encode a 64-bit number in groups of seven bits, the lowest first.

    >>> varint(300)
    b'\\xac\\x02'
    """
    if 0 <= number <= 0x7F:
        return _ONE[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def sized(tag: bytes, content: bytes) -> bytes:
    """Encode a field of variable size: its tag, size and content.

    >>> sized(VALUE, b"abc")
    b'\\n\\x03abc'
    """
    size = len(content)
    return tag + (_ONE[size] if size <= 0x7F else varint(size)) + content


def merge_results(response: Any, results: bytes) -> bool:
    """Add results to a `GetOnlineFeaturesResponse`; add none and return False if one is damaged."""
    before = len(response.results)
    try:
        response.MergeFromString(results)
    except DecodeError:
        del response.results[before:]
        return False
    return True
