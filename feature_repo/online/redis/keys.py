"""Names of the stored rows in Redis.

    r4:shop9:item_pages5:42312      row · project · view · the entity's values, by name of join key

Every part carries its length, so no project's or view's keys begin like another's.  An entity's
value is preceded by a letter for its type; 32- and 64-bit integers are the same number.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_LETTERS = {
    "int64_val": b"i",
    "int32_val": b"i",
    "unix_timestamp_val": b"t",
    "bytes_val": b"b",
    "bool_val": b"o",
    "uuid_val": b"u",
    "time_uuid_val": b"u",
}
NO_ENTITY = b"s0:"
"""What the one key of a view without entities ends with: Feast reads it as the empty text."""

_BEGIN = tuple(b"s%d:" % size for size in range(256))
"""What the keys of texts of few bytes begin with, written once: a slate has hundreds."""

_GLOB = str.maketrans({character: f"\\{character}" for character in "*?[]\\^"})


def project_prefix(project: str) -> bytes:
    """What the keys of every row of a project begin with."""
    return b"r" + _sized(project.encode())


def view_prefix(project: str, view: str) -> bytes:
    """What the keys of every row of a view begin with."""
    return project_prefix(project) + _sized(view.encode())


def entity_suffix(values: Mapping[str, Any]) -> bytes | None:
    """What the key of an entity ends with; None where one of its values is null.

    Args:
        values: Feast values by join key; none where the view has no entities.

    Raises:
        ValueError: a value of a type that cannot be a key.

    >>> from feast.protos.feast.types.Value_pb2 import Value
    >>> entity_suffix({"shop": Value(int64_val=7), "item": Value(string_val="a")})
    b's1:ai1:7'
    """
    if not values:
        return NO_ENTITY
    return entity_suffixes({name: [value] for name, value in values.items()})[0]


def entity_suffixes(columns: Mapping[str, Sequence[Any]]) -> list[bytes | None]:
    """What the keys of N entities end with, given N Feast values for each join key.

    Raises:
        ValueError: a value of a type that cannot be a key.
    """
    parts = [[*map(_part, columns[name])] for name in sorted(columns)]
    if len(parts) == 1:
        return parts[0]
    return [None if None in row else b"".join(row) for row in zip(*parts, strict=True)]


def text_suffixes(texts: Sequence[str]) -> list[bytes]:
    """What the keys of N entities with one text each end with.

    >>> text_suffixes(["42312"])
    [b's5:42312']
    """
    try:
        return [_BEGIN[len(text)] + text for text in map(str.encode, texts)]
    except IndexError:
        return [b"s" + _sized(text) for text in map(str.encode, texts)]


def glob(prefix: bytes) -> str:
    """The pattern of all keys that begin with a prefix."""
    return prefix.decode().translate(_GLOB) + "*"


def _part(value: Any) -> bytes | None:
    kind = value.WhichOneof("val")
    if kind == "string_val":
        text = value.string_val.encode()
        return b"s%d:%b" % (len(text), text)
    if kind is None or kind == "null_val":
        return None
    if kind not in _LETTERS:
        raise ValueError(f"expected text, bytes, an integer or a time as entity, found {kind}")
    found = getattr(value, kind)
    return _LETTERS[kind] + _sized(found if isinstance(found, bytes) else str(found).encode())


def _sized(text: bytes) -> bytes:
    return b"%d:%b" % (len(text), text)
