"""Feast's answer in protobuf's own format: its fields, and how numbers and sizes are written."""

from functools import cache
from typing import Any

from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from feature_repo.online.codec import BLOCK_OF, value_field

PRESENT = FieldStatus.PRESENT
NULL_VALUE = FieldStatus.NULL_VALUE
NOT_FOUND = FieldStatus.NOT_FOUND
OUTSIDE_MAX_AGE = FieldStatus.OUTSIDE_MAX_AGE

RESULT = b"\x12"
"""What a vector in a response begins with."""

VALUE, STATUSES, TIME = b"\x0a", b"\x12", b"\x1a"
"""What the parts of a vector begin with."""

NO_VALUE, NO_TIME = VALUE + b"\0", TIME + b"\0"

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
_FLOATS = {"DOUBLE": _EIGHT_BYTES, "FLOAT": _FOUR_BYTES}
_ONE = tuple(bytes((number,)) for number in range(0x80))


@cache
def value_tag(kind: str) -> bytes:
    """What the content of a value of a Feast value type begins with."""
    wire = _FLOATS.get(kind, _VARINT) if kind in BLOCK_OF else _SIZED
    return varint(value_field(kind).number << 3 | wire)


def varint(number: int) -> bytes:
    """A 64-bit number in groups of seven bits, the least first.

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


def sized(begin: bytes, content: bytes) -> bytes:
    """A field of variable size: what it begins with, its size and its content.

    >>> sized(VALUE, b"abc")
    b'\\n\\x03abc'
    """
    size = len(content)
    return begin + (_ONE[size] if size <= 0x7F else varint(size)) + content


def merged(response: Any, results: bytes) -> bool:
    """Add results to a `GetOnlineFeaturesResponse`: all of them, or none where one is damaged."""
    before = len(response.results)
    try:
        response.MergeFromString(results)
    except DecodeError:
        del response.results[before:]
        return False
    return True
