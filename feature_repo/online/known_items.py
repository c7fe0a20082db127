"""What lies in the store of items, kept for as long as the server does not say that it changed.

Every question still goes to the server, which tells of changes before it answers.  What is kept
when the answer comes is therefore what lies there at the instant of the answer.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import redis

from feature_repo.online.item_rows import StoredItem
from feature_repo.online.reader import SlateRead
from feature_repo.online.slate_commands import Told
from feature_repo.online.slate_stream import SlateStream
from feature_repo.slate_facts import SlateFacts

KEPT_BYTES = 64_000_000
"""Of keys and strings, fifty thousand items or more; with what they say they take 200 MB."""

_ATTEMPTS = 3
"""The last asks for all items: of a slate that changes each time between question and answer."""


class KnownItems:
    """What lies in one server of items.  It belongs to the event loop of the stream."""

    def __init__(
        self, keys_of: Callable[[str], Sequence[bytes]], kept_bytes: int = KEPT_BYTES
    ) -> None:
        """Keep so many bytes; what was read first goes first.

        Args:
            keys_of: the keys of an item's strings.
            kept_bytes: of keys and strings.
        """
        self._keys_of, self._kept_bytes = keys_of, kept_bytes
        self.forget(None)

    async def read(self, stream: SlateStream, slate: SlateRead) -> SlateFacts:
        """The facts of a slate, as if all of it had been asked for.

        Raises:
            redis.RedisError: the server does not answer.
        """
        for _ in range(_ATTEMPTS - 1):
            unknown = [item for item in slate.item_ids if item not in self._items]
            if (found := await self._asked(stream, slate, unknown)) is not None:
                return slate.facts(*found)
        found = await self._asked(stream, slate, slate.item_ids)
        if found is None:
            raise redis.InvalidResponse("not every string that was asked for was told")
        return slate.facts(*found)

    def forget(self, keys: Sequence[bytes] | None) -> None:
        """Keep nothing of the items of which a key changed; of no item, where it is None."""
        if keys is None:
            self._items: dict[str, StoredItem] = {}
            self._item_of: dict[bytes, str] = {}
            self._bytes = 0
            return
        for key in keys:
            if (item_id := self._item_of.get(key)) is not None:
                self._drop(item_id)

    async def _asked(
        self, stream: SlateStream, slate: SlateRead, item_ids: Sequence[str]
    ) -> tuple[list[StoredItem], Told] | None:
        asked = slate.commands(item_ids)
        understand = partial(self._whole, stream, slate.item_ids, item_ids)
        return await stream.ask(asked.commands, asked.answers, understand)

    def _whole(
        self,
        stream: SlateStream,
        wanted: Sequence[str],
        item_ids: Sequence[str],
        answers: Sequence[object],
    ) -> tuple[list[StoredItem], Told] | None:
        """All items wanted, and what was told; None where one of them has changed meanwhile."""
        told = Told.of(answers, len(item_ids))
        fresh = dict(zip(item_ids, map(StoredItem, item_ids, told.items), strict=True))
        items = [fresh.get(i) or self._items.get(i) for i in wanted]
        known = [item for item in items if item is not None]
        if stream.tells_changes:
            self._keep(fresh.values())
        return (known, told) if len(known) == len(items) else None

    def _keep(self, fresh: Iterable[StoredItem]) -> None:
        for item in fresh:
            self._drop(item.item_id)
            self._items[item.item_id] = item
            self._item_of.update(dict.fromkeys(self._keys_of(item.item_id), item.item_id))
            self._bytes += self._size(item)
        while self._bytes > self._kept_bytes:
            self._drop(next(iter(self._items)))

    def _drop(self, item_id: str) -> None:
        item = self._items.pop(item_id, None)
        if item is not None:
            for key in self._keys_of(item_id):
                del self._item_of[key]
            self._bytes -= self._size(item)

    def _size(self, item: StoredItem) -> int:
        strings = (*self._keys_of(item.item_id), *filter(None, item.strings))
        return sum(map(len, strings))
