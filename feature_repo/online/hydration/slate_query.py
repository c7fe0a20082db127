"""Encode the Redis commands that read a slate, and split the reply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from feature_repo.home import RedisError
from feature_repo.online.hydration.entity_strings import EntityStrings
from feature_repo.online.hydration.merge import RECENT_LIMITS
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, arguments, command
from feature_repo.views import Entity

OTHER_ENTITIES: tuple[Entity, ...] = ("user", "query", "market")
"""The other entities of a request, in the order of their strings."""

CACHED_KEYS = 50_000
"""Items whose encoded keys are cached, some 700 bytes each: encoding costs as much as reading."""


@dataclass(frozen=True)
class SlateReply:
    """The reply to a `SlateRequest`.

    Attributes:
        lists: of the user, empty without a user; errors may be among them.
        items: the strings of each requested item, as `EntityStrings` orders them.
        others: `erased` and `first` of the user, then the strings of user, query and market.
    """

    lists: Sequence[Any]
    items: Sequence[Sequence[bytes | None]]
    others: Sequence[bytes | None]


@dataclass(frozen=True)
class SlateRequest:
    """Commands in the Redis protocol, in one piece.

    Attributes:
        commands: for lists, then for others, then for items.
        lists: number of lists requested.
        items: number of items requested.
        strings: number of strings of each item.
        is_tracked: whether the server shall report later changes of the items' strings.
    """

    commands: bytes
    lists: int
    items: int
    strings: int
    is_tracked: bool

    @property
    def reply_count(self) -> int:
        """Number of replies to the commands."""
        return self.lists + (1 + self.is_tracked if self.items else 0) + 1

    def parse(self, replies: Sequence[Any]) -> SlateReply:
        """Split the replies.

        Raises:
            RedisError: a reply other than a list's is an error.
        """
        for error in (reply for reply in replies[self.lists :] if isinstance(reply, Exception)):
            raise RedisError(f"Redis does not answer: {error}.")
        strings = replies[-1] if self.items else []
        starts = range(0, self.strings * self.items, self.strings) if self.items else ()
        items = [strings[start : start + self.strings] for start in starts]
        return SlateReply(replies[: self.lists], items, replies[self.lists])


class RequestEncoder:
    """Encodes slate requests.  Threads may share it."""

    def __init__(
        self, keys: LiveKeys, rows: StoredRows, strings: Mapping[Entity, EntityStrings]
    ) -> None:
        """Create an encoder.

        Args:
            keys: of tiles and live state.
            rows: returns the keys of stored rows.
            strings: of each kind of entity.
        """
        self._keys, self._rows, self._strings = keys, rows, strings
        self._encoded_item = lru_cache(CACHED_KEYS)(self._encode_item)

    def encode(
        self,
        item_ids: Sequence[str],
        user_id: str | None,
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
            user_id: None where the shopper is unknown; keys of the empty user do not exist.
            query_key: None without a query.
            market: of the request.
            is_tracked: whether the server is to report changes of the items' strings.  The other
                strings are never tracked: they are read every time, and there are as many as
                shoppers.
        """
        lists = [] if user_id is None else self._lists(user_id)
        others = self._others(user_id or "", query_key or "", market)
        commands = [*lists, command(1 + len(others), arguments(b"MGET", *others))]
        if item_ids:
            commands += self._items(item_ids, is_tracked)
        size = self._strings["item"].size
        return SlateRequest(b"".join(commands), len(lists), len(item_ids), size, is_tracked)

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """Return the keys of an item's strings, in their order."""
        return self._encoded_item(item_id)[0]

    def _items(self, item_ids: Sequence[str], is_tracked: bool) -> Iterator[bytes]:
        if is_tracked:
            yield command(3, arguments(b"CLIENT", b"CACHING", b"YES"))
        yield command(1 + self._strings["item"].size * len(item_ids), arguments(b"MGET"))
        for item_id in item_ids:
            yield self._encoded_item(item_id)[1]

    def _encode_item(self, item_id: str) -> tuple[Sequence[bytes], bytes]:
        """Return an item's keys, and the same as arguments of a command."""
        keys = self._strings["item"].keys(self._keys, self._rows, item_id)
        return keys, arguments(*keys)

    def _others(self, user_id: str, query_key: str, market: str) -> list[bytes]:
        ids = dict(zip(OTHER_ENTITIES, (user_id, query_key, market), strict=True))
        return [
            self._keys.erased(user_id).encode(),
            self._keys.first(user_id).encode(),
            *(
                key
                for entity, id_ in ids.items()
                for key in self._strings[entity].keys(self._keys, self._rows, id_)
            ),
        ]

    def _lists(self, user_id: str) -> list[bytes]:
        return [
            command(
                5,
                arguments(b"ZREVRANGE", self._keys.recent(verb, user_id).encode()),
                arguments(0, limit - 1, b"WITHSCORES"),
            )
            for verb, limit in RECENT_LIMITS.items()
        ]
