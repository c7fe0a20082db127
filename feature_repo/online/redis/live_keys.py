"""The live keys of a home and the format of their values; `live.lua` writes them.

Values have checksums, as `checksum.lua` writes them: a packed value is a checksum and MessagePack,
an entry of a list ends with the checksum of it and its instant.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import msgspec

from feature_repo.home import Home


@dataclass(frozen=True)
class LiveKeys:
    """Keys in Redis under a prefix that no key of another project has."""

    prefix: str

    @classmethod
    def of(cls, home: Home) -> "LiveKeys":
        """Return the keys of a home's project."""
        return cls.of_project(home.project)

    @classmethod
    def of_project(cls, project: str) -> "LiveKeys":
        """Return the keys of a Feast project, whose name has no colon."""
        return cls(f"{project}:live:")

    @property
    def pruned(self) -> str:
        """Key of the newest part that the stored rows include."""
        return f"{self.prefix}pruned"

    @property
    def tile_prefix(self) -> str:
        """Prefix of the keys of tiles."""
        return f"{self.prefix}tile:"

    def tile(self, view: str, entity: str) -> str:
        """Return the key of the tile of one entity in one counter view."""
        return f"{self.tile_prefix}{view}:{entity}"

    def values(self, live_key: str, entity: str) -> str:
        """Return the key of an entity's live values, given the view's `live_key`."""
        return f"{self.prefix}{live_key}:{entity}"

    def item(self, item_id: str) -> str:
        """Return the key of the newest patches of an item's attributes."""
        return self.values("item", item_id)

    @property
    def item_changes(self) -> str:
        """Key of the number of changes of items."""
        return f"{self.prefix}item_changes"

    @property
    def changed_items(self) -> str:
        """Key of the items by the number of their last change."""
        return f"{self.prefix}changed_items"

    def first(self, entity: str, id_: str) -> str:
        """Return the key of the first events of a user or session."""
        return f"{self.prefix}first:{entity}:{id_}"

    def recent(self, verb: str, entity: str, id_: str) -> str:
        """Return the key of the items that a user or session clicked, or was shown, last."""
        return f"{self.prefix}recent:{verb}:{entity}:{id_}"

    def erased(self, entity: str, id_: str) -> str:
        """Return the key of the tombstone of an erased user, or of a session of one.

        Stored rows may still have them.
        """
        return f"{self.prefix}erased:{entity}:{id_}"

    def request(self, request_id: str) -> str:
        """Return the key of the earliest ranking of a request."""
        return f"{self.prefix}request:{request_id}"


class Patch(msgspec.Struct, frozen=True):
    """The newest value of one attribute as JSON text, with the times and part of its event."""

    event_time: int
    seen_at: int
    id: str
    part: int
    value: str


CACHED_MEMBERS = 20_000
"""Members of recent lists whose decoded entries are cached, some 500 bytes each.  A page reads a
shopper's lists twice, and the shopper's next page follows soon."""

LONGEST_CACHED = 1_000
"""Bytes of a member that is cached; so the cache has 60 MB at most."""


class FirstEvent(msgspec.Struct, frozen=True):
    """One of the first events of a user or session, with the part from which on it is theirs."""

    seen_at: int
    part: int


class Owner(msgspec.Struct, frozen=True):
    """Who a session belongs to, with the part of the link or unlink; None after an unlink."""

    part: int
    is_shared: bool
    first_linked_at: int
    user: str | None = None


class RecentItem(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a recent list: the item, and its columns at the time."""

    item_id: str
    values: dict[str, str]


class DamagedValueError(ValueError):
    """A live value changed."""


_CHECKSUM_SIZE = 8

T = TypeVar("T")


def _checked(kind: type[T]) -> Callable[[bytes], T]:
    """Return the decoder of packed values of one type; it raises DamagedValueError."""
    decode = msgspec.msgpack.Decoder(kind).decode

    def decode_checked(packed: bytes) -> T:
        text = packed[_CHECKSUM_SIZE:]
        if packed[:_CHECKSUM_SIZE] != _checksum(text):
            raise DamagedValueError("a live value changed")
        return decode(text)

    return decode_checked


def _checksum(text: bytes) -> bytes:
    digits = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return digits[:_CHECKSUM_SIZE].encode()


def with_checksum(text: bytes) -> bytes:
    """Return a packed value, given its MessagePack."""
    return _checksum(text) + text


decode_patches = _checked(dict[str, Patch])
decode_firsts = _checked(dict[str, FirstEvent])
decode_owner = _checked(Owner)
decode_recent = msgspec.json.Decoder(RecentItem).decode


def encode_recent(entry: RecentItem) -> str:
    """Encode an entry as the payload of a member of a sorted set."""
    return msgspec.json.encode(entry).decode()


def read_member(member: bytes, seen_at: int) -> tuple[int, RecentItem]:
    """Return part and entry of a member with its instant, µs; a long one is not cached.

    Callers must not change the entry.

    Raises:
        DamagedValueError: the member or its instant changed.
    """
    read = _read_member if len(member) > LONGEST_CACHED else _cached_member
    return read(member, seen_at)


def _read_member(member: bytes, seen_at: int) -> tuple[int, RecentItem]:
    """Read `since NUL event id NUL position NUL part NUL payload NUL checksum`."""
    entry, _, checksum = member.rpartition(b"\0")
    if checksum != _checksum(b"%s\0%d" % (entry, seen_at)):
        raise DamagedValueError("an entry of a live list changed")
    _, _, part, payload = entry.rsplit(b"\0", 3)
    return int(part), decode_recent(payload)


_cached_member = lru_cache(CACHED_MEMBERS)(_read_member)
