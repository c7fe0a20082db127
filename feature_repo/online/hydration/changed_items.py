"""Reads which items changed, and their newest attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from feature_repo.home import RedisError
from feature_repo.online.hydration.reader import OnlineReader
from feature_repo.online.redis import LiveKeys, Patch
from feature_repo.views import PART

MOST_LISTED = 100_000
"""The items that `live.lua` lists; after more changes, some may be missing from the list."""

_STEP = 500


@dataclass(frozen=True)
class ListedChanges:
    """Items that changed after a change of a given number.

    Attributes:
        last: number of the last listed change; the next read starts from it.
        item_ids: in the order of their last change.
        is_complete: whether no change is missing; if one is, the log has it.
        has_more: whether more changes are listed.
    """

    last: int
    item_ids: Sequence[str]
    is_complete: bool
    has_more: bool


@dataclass(frozen=True)
class ItemState:
    """The newest attributes of an item.

    Attributes:
        fields: by column, with `is_deleted`.
        part: of the newest event that they include.
        changed_at: the first `seen_at` of the changes that the stored row lacks, µs; None where it
            lacks none.
    """

    fields: Mapping[str, Any]
    part: int
    changed_at: int | None


class ChangedItems:
    """Reads changes of items of one home.  Threads may share it."""

    def __init__(self, reader: OnlineReader, client: "redis.Redis", keys: LiveKeys) -> None:
        self._reader = reader
        self._client = client
        self._keys = keys

    def after(self, number: int | None) -> ListedChanges:
        """Return the items that changed after a change; none of them for None.

        Raises:
            RedisError: the server does not answer.
        """
        start = "+inf" if number is None else f"({number}"
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.get(self._keys.item_changes)
                pipe.zrangebyscore(
                    self._keys.changed_items, start, "+inf", 0, _STEP, withscores=True
                )
                count, listed = pipe.execute()
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error
        last, has_more = int(count or 0), len(listed) == _STEP
        is_complete = number is None or 0 <= last - number <= MOST_LISTED
        item_ids = [item_id.decode() for item_id, _ in listed]
        return ListedChanges(
            int(listed[-1][1]) if has_more else last, item_ids, is_complete, has_more
        )

    def states(self, item_ids: Sequence[str], t: int) -> list[ItemState | None]:
        """Return the newest attributes of N items; None for an unknown item.

        Raises:
            RedisError: the server does not answer.
        """
        columns, patches = self._reader.item_attributes(item_ids, t)
        names = [name for name in columns if name != PART]
        rows = zip(*(columns[name] for name in names), strict=True)
        return [
            None
            if part is None
            else ItemState(dict(zip(names, row, strict=True)), part, _first(changes))
            for row, part, changes in zip(rows, columns[PART], patches, strict=True)
        ]


def _first(patches: Mapping[str, Patch]) -> int | None:
    return min((patch.seen_at for patch in patches.values()), default=None)
