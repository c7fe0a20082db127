"""What is asked of Redis about a slate: lists of the user, strings of items, and all others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from feature_repo.home import RedisError
from feature_repo.online.hydration.entity_strings import EntityStrings
from feature_repo.online.hydration.merge import KEPT
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, arguments, command
from feature_repo.views import Entity

OTHER_ENTITIES: tuple[Entity, ...] = ("user", "query", "market")
"""The other entities of a request, in the order of their strings."""

KEPT_ITEMS = 50_000
"""Items whose keys are kept, some 700 bytes each: to write them costs as much as to ask."""


@dataclass(frozen=True)
class Told:
    """The answers.

    Attributes:
        lists: of the user, none where no user is known; errors may be among them.
        items: the strings of each requested item, as `EntityStrings` orders them.
        others: `erased` and `first` of the user, then the strings of user, query and market.
    """

    lists: Sequence[Any]
    items: Sequence[Sequence[bytes | None]]
    others: Sequence[bytes | None]


@dataclass(frozen=True)
class Asked:
    """Commands in the Redis protocol, in one piece.

    Attributes:
        commands: for lists, then for others, then for items.
        lists: how many lists they ask for.
        items: how many items they ask for.
        strings: how many strings of each item.
        is_vouched: whether the server is to tell when a string of an item changes.
    """

    commands: bytes
    lists: int
    items: int
    strings: int
    is_vouched: bool

    @property
    def answers(self) -> int:
        """How many answers there will be."""
        return self.lists + (1 + self.is_vouched if self.items else 0) + 1

    def told(self, answers: Sequence[Any]) -> Told:
        """Tell the answers apart.

        Raises:
            RedisError: the server told an error.
        """
        for error in (answer for answer in answers[self.lists :] if isinstance(answer, Exception)):
            raise RedisError(f"Redis does not answer: {error}.")
        strings = answers[-1] if self.items else []
        starts = range(0, self.strings * self.items, self.strings) if self.items else ()
        items = [strings[n : n + self.strings] for n in starts]
        return Told(answers[: self.lists], items, answers[self.lists])


class SlateCommands:
    """Writes the commands.  Threads may share it."""

    def __init__(
        self, keys: LiveKeys, rows: StoredRows, strings: Mapping[Entity, EntityStrings]
    ) -> None:
        """Ask for tiles and live state under `keys`, and for rows.

        Args:
            keys: of the project.
            rows: of all views.
            strings: kind of entity → its strings.
        """
        self._keys, self._rows, self._strings = keys, rows, strings
        self._of_item = lru_cache(KEPT_ITEMS)(self._item)

    def written(
        self,
        item_ids: Sequence[str],
        user_id: str | None,
        query_key: str | None,
        market: str,
        *,
        is_vouched: bool = False,
    ) -> Asked:
        """Ask for a slate.

        Lists are read before rows: a load in between makes rows reach further, and what they reach
        is left out of the lists.  Items come last, all strings of them at one instant: what the
        server tells of them until then was told before they were read.

        Args:
            item_ids: N items; the strings of an item follow each other.
            user_id: None where the shopper is not known; keys of no user hold nothing.
            query_key: None where there is no query.
            market: where it was asked.
            is_vouched: whether the server is to tell when a string of an item changes; of the
                others nobody wants to know, and there are as many as there are shoppers.
        """
        lists = [] if user_id is None else self._lists(user_id)
        others = self._others(user_id or "", query_key or "", market)
        written = [*lists, command(1 + len(others), arguments(b"MGET", *others))]
        if item_ids:
            written += self._items(item_ids, is_vouched)
        size = self._strings["item"].size
        return Asked(b"".join(written), len(lists), len(item_ids), size, is_vouched)

    def _items(self, item_ids: Sequence[str], is_vouched: bool) -> Iterator[bytes]:
        if is_vouched:
            yield command(3, arguments(b"CLIENT", b"CACHING", b"YES"))
        yield command(1 + self._strings["item"].size * len(item_ids), arguments(b"MGET"))
        for item_id in item_ids:
            yield self._of_item(item_id)[1]

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """The keys of an item's strings, in their order."""
        return self._of_item(item_id)[0]

    def _item(self, item_id: str) -> tuple[Sequence[bytes], bytes]:
        """Its keys, and the same as arguments."""
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
                arguments(0, kept - 1, b"WITHSCORES"),
            )
            for verb, kept in KEPT.items()
        ]
