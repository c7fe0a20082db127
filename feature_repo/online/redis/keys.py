"""Names of the stored rows in Redis.

    r4:shop9:item_pages5:42312      row · project · view · the entity's values, by name of join key

Every part is preceded by its length, so no prefix of a project or view is a prefix of another.  A
letter for its type precedes an entity's value; 32- and 64-bit integers are the same number.
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
"""Suffix of the one key of a view without entities: Feast reads it as the empty text."""

_SHORT = tuple(b"s%d:" % size for size in range(256))
"""The first bytes of suffixes of short texts, precomputed: a slate has hundreds."""

_GLOB = str.maketrans({character: f"\\{character}" for character in "*?[]\\^"})


def project_prefix(project: str) -> bytes:
    """Return the prefix of the keys of a project's rows."""
    return b"r" + _sized(project.encode())


def view_prefix(project: str, view: str) -> bytes:
    """Return the prefix of the keys of a view's rows."""
    return project_prefix(project) + _sized(view.encode())


def entity_suffix(values: Mapping[str, Any]) -> bytes | None:
    """Return the key suffix of an entity; None where one of its values is null.

    Args:
        values: Feast values by join key; empty for a view without entities.

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
    """Return the key suffixes of N entities, given N Feast values for each join key.

    Raises:
        ValueError: a value of a type that cannot be a key.
    """
    parts = [[*map(_part, columns[name])] for name in sorted(columns)]
    if len(parts) == 1:
        return parts[0]
    return [None if None in row else b"".join(row) for row in zip(*parts, strict=True)]


def text_suffixes(texts: Sequence[str]) -> list[bytes]:
    """Return the key suffixes of N entities with one text each.

    >>> text_suffixes(["42312"])
    [b's5:42312']
    """
    try:
        return [_SHORT[len(text)] + text for text in map(str.encode, texts)]
    except IndexError:
        return [b"s" + _sized(text) for text in map(str.encode, texts)]


def glob(prefix: bytes) -> str:
    """Return the pattern of all keys with a prefix."""
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
    content = getattr(value, kind)
    text = content if isinstance(content, bytes) else str(content).encode()
    return _LETTERS[kind] + _sized(text)


def _sized(text: bytes) -> bytes:
    return b"%d:%b" % (len(text), text)
