"""Encode the Redis commands that read a slate, and split the reply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from feature_repo.home import RedisError
from feature_repo.online.hydration.entity_strings import EntityStrings
from feature_repo.online.hydration.merge import RECENT_LIMITS
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, arguments, command
from feature_repo.views import Entity

VISITORS: tuple[Entity, ...] = ("user", "session")
"""The entities of a shopper, which have lists, a tombstone and first events."""

OTHER_ENTITIES: tuple[Entity, ...] = ("user", "query", "market", "session")
"""The entities of a request other than items, in the order of their strings."""

CACHED_KEYS = 50_000
"""Items whose encoded keys are cached, some 700 bytes each: encoding costs as much as reading."""

LONGEST_CACHED = 64
"""Characters of an item id whose keys are cached; so the cache has some 60 MB at most."""

EntityMap = Mapping[Entity, EntityStrings]
"""The strings of each kind of entity."""


@dataclass(frozen=True)
class Shopper:
    """Who a request is for; None where it does not say."""

    user_id: str | None = None
    session_id: str | None = None

    @property
    def ids(self) -> dict[Entity, str]:
        """The id of each entity that the request names."""
        ids: dict[Entity, str | None] = {"user": self.user_id, "session": self.session_id}
        return {entity: id_ for entity, id_ in ids.items() if id_ is not None}


@dataclass(frozen=True)
class SlateReply:
    """The reply to a `SlateRequest`.

    Attributes:
        lists: of user and session, where the request names them; errors may be among them.
        items: the strings of each requested item, as `EntityStrings` orders them.
        strings: of each other entity, in the same order; for user and session first the tombstone
            and the first events.
    """

    lists: Mapping[Entity, Sequence[Any]]
    items: Sequence[Sequence[bytes | None]]
    strings: Mapping[Entity, Sequence[bytes | None]]


@dataclass(frozen=True)
class SlateRequest:
    """Commands in the Redis protocol, in one piece.

    Attributes:
        commands: for lists, then for others, then for items.
        lists: number of lists requested of each entity.
        sizes: number of strings of each other entity.
        items: number of items requested.
        strings: number of strings of each item.
        is_tracked: whether the server shall report later changes of the items' strings.
    """

    commands: bytes
    lists: Mapping[Entity, int]
    sizes: Mapping[Entity, int]
    items: int
    strings: int
    is_tracked: bool

    @property
    def reply_count(self) -> int:
        """Number of replies to the commands."""
        return self._list_count + (1 + self.is_tracked if self.items else 0) + 1

    def parse(self, replies: Sequence[Any]) -> SlateReply:
        """Split the replies.

        Raises:
            RedisError: a reply other than a list's is an error.
        """
        for error in (one for one in replies[self._list_count :] if isinstance(one, Exception)):
            raise RedisError(f"Redis does not answer: {error}.")
        strings = replies[-1] if self.items else []
        starts = range(0, self.strings * self.items, self.strings) if self.items else ()
        items = [strings[start : start + self.strings] for start in starts]
        others = _cut(replies[self._list_count], self.sizes)
        return SlateReply(_cut(replies, self.lists), items, others)

    @property
    def _list_count(self) -> int:
        return sum(self.lists.values())


def _cut(values: Sequence[Any], sizes: Mapping[Entity, int]) -> dict[Entity, Sequence[Any]]:
    """Assign consecutive values to entities."""
    ends = [*accumulate(sizes.values(), initial=0)]
    return {
        entity: values[start:end]
        for entity, (start, end) in zip(sizes, pairwise(ends), strict=True)
    }


class RequestEncoder:
    """Encodes slate requests.  Threads may share it."""

    def __init__(self, keys: LiveKeys, rows: StoredRows, strings: EntityMap) -> None:
        """Create an encoder.

        Args:
            keys: of tiles and live state.
            rows: returns the keys of stored rows.
            strings: of each kind of entity.
        """
        self._keys, self._rows, self._strings = keys, rows, strings
        self._cached_item = lru_cache(CACHED_KEYS)(self._encode_item)

    def encode(
        self,
        item_ids: Sequence[str],
        shopper: Shopper,
        query_key: str | None,
        market: str,
        *,
        is_tracked: bool = False,
    ) -> SlateRequest:
        """Encode the request of a slate.

        Lists are read before rows: a load in between lets rows cover a later part, and list
        entries of covered parts are ignored.  Items come last, all their strings at one instant,
        so that every change before it is reported before the items are read.

        Args:
            item_ids: N items; the strings of an item follow each other.
            shopper: of the request; keys of the empty user do not exist.
            query_key: None without a query.
            market: of the request.
            is_tracked: whether the server is to report changes of the items' strings.  The other
                strings are never tracked: they are read every time, and there are as many as
                shoppers.
        """
        keys = self._others(shopper, query_key or "", market)
        others = [key for of_entity in keys.values() for key in of_entity]
        lists = {entity: self._lists(entity, id_) for entity, id_ in shopper.ids.items()}
        commands = [one for of_entity in lists.values() for one in of_entity]
        commands.append(command(1 + len(others), arguments(b"MGET", *others)))
        if item_ids:
            commands += self._items(item_ids, is_tracked)
        return SlateRequest(
            b"".join(commands),
            lists={entity: len(of_entity) for entity, of_entity in lists.items()},
            sizes={entity: len(of_entity) for entity, of_entity in keys.items()},
            items=len(item_ids),
            strings=self._strings["item"].size,
            is_tracked=is_tracked,
        )

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """Return the keys of an item's strings, in their order."""
        return self._encoded_item(item_id)[0]

    def _items(self, item_ids: Sequence[str], is_tracked: bool) -> Iterator[bytes]:
        if is_tracked:
            yield command(3, arguments(b"CLIENT", b"CACHING", b"YES"))
        yield command(1 + self._strings["item"].size * len(item_ids), arguments(b"MGET"))
        for item_id in item_ids:
            yield self._encoded_item(item_id)[1]

    def _encoded_item(self, item_id: str) -> tuple[Sequence[bytes], bytes]:
        is_cached = len(item_id) <= LONGEST_CACHED
        return self._cached_item(item_id) if is_cached else self._encode_item(item_id)

    def _encode_item(self, item_id: str) -> tuple[Sequence[bytes], bytes]:
        """Return an item's keys, and the same as arguments of a command."""
        keys = self._strings["item"].keys(self._keys, self._rows, item_id)
        return keys, arguments(*keys)

    def _others(self, shopper: Shopper, query_key: str, market: str) -> dict[Entity, list[bytes]]:
        """Return the keys of each entity; those of a session only if the request names one."""
        ids: dict[Entity, str | None] = {
            "user": shopper.user_id or "",
            "query": query_key,
            "market": market,
            "session": shopper.session_id,
        }
        return {
            entity: self._keys_of(entity, id_)
            for entity in OTHER_ENTITIES
            if (id_ := ids[entity]) is not None
        }

    def _keys_of(self, entity: Entity, id_: str) -> list[bytes]:
        keys = self._strings[entity].keys(self._keys, self._rows, id_)
        if entity not in VISITORS:
            return keys
        own = (self._keys.erased(entity, id_), self._keys.first(entity, id_))
        return [*map(str.encode, own), *keys]

    def _lists(self, entity: Entity, id_: str) -> list[bytes]:
        return [
            command(
                5,
                arguments(b"ZREVRANGE", self._keys.recent(verb, entity, id_).encode()),
                arguments(0, limit - 1, b"WITHSCORES"),
            )
            for verb, limit in RECENT_LIMITS.items()
        ]
