"""What is asked of Redis about a slate: lists of the user, strings of items, and all others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from feature_repo.home import RedisError
from feature_repo.online.hydration.merge import KEPT
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, arguments, command

ITEM_STRINGS = 4
"""Of each item: its tile, its newest attributes, and its rows of attributes and percentiles."""

ITEM_VIEWS = ("item_attributes", "item_percentiles")

KEPT_ITEMS = 50_000
"""Items whose keys are kept, some 700 bytes each: to write them costs as much as to ask."""


@dataclass(frozen=True)
class Told:
    """The answers.

    Attributes:
        lists: of the user, none where no user is known; errors may be among them.
        items: `ITEM_STRINGS` strings of each item that was asked for.
        others: the strings of user, query and market.
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
        is_vouched: whether the server is to tell when a string of an item changes.
    """

    commands: bytes
    lists: int
    items: int
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
        starts = range(0, ITEM_STRINGS * self.items, ITEM_STRINGS)
        items = [strings[n : n + ITEM_STRINGS] for n in starts]
        return Told(answers[: self.lists], items, answers[self.lists])


class SlateCommands:
    """Writes the commands.  Threads may share it."""

    def __init__(self, keys: LiveKeys, rows: StoredRows, user_views: Sequence[str]) -> None:
        """Ask for tiles and live state under `keys`, and for rows, of users in these views."""
        self._keys, self._rows, self._user_views = keys, rows, user_views
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
            item_ids: N items, whose `ITEM_STRINGS` strings follow each other, item by item.
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
        return Asked(b"".join(written), len(lists), len(item_ids), is_vouched)

    def _items(self, item_ids: Sequence[str], is_vouched: bool) -> Iterator[bytes]:
        if is_vouched:
            yield command(3, arguments(b"CLIENT", b"CACHING", b"YES"))
        yield command(1 + ITEM_STRINGS * len(item_ids), arguments(b"MGET"))
        for item_id in item_ids:
            yield self._of_item(item_id)[1]

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """The keys of an item's strings, in their order."""
        return self._of_item(item_id)[0]

    def _item(self, item_id: str) -> tuple[Sequence[bytes], bytes]:
        """Its keys, and the same as arguments."""
        live = (self._keys.tile("item_engagement", item_id), self._keys.item(item_id))
        keys = (*map(str.encode, live), *self._rows.keys([item_id], *ITEM_VIEWS))
        return keys, arguments(*keys)

    def _others(self, user_id: str, query_key: str, market: str) -> list[bytes]:
        live = (
            self._keys.tile("user_engagement", user_id),
            self._keys.tile("query_engagement", query_key),
            self._keys.user(user_id),
            self._keys.first(user_id),
            self._keys.erased(user_id),
        )
        return [
            *map(str.encode, live),
            *self._rows.keys([query_key], "query_clicked_items"),
            *self._rows.keys([market], "market_baseline"),
            *self._rows.keys([user_id], *self._user_views),
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
