"""What lies in the store of items, kept for as long as the server does not say that it changed.

Every question still goes to the server, which tells of changes before it answers.  What is kept
when the answer comes is therefore what lies there at the instant of the answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from feature_repo.online.hydration.item_rows import StoredItem
from feature_repo.online.hydration.reader import SlateRead
from feature_repo.online.hydration.slate_query import Asked, Told
from feature_repo.online.redis import PipelinedClient
from feature_repo.request_features.context import RequestContext

KEPT_BYTES = 120_000_000
"""Of all that is kept of items; some fifty thousand."""

_EACH = 1500
"""Bytes that an item takes beyond its keys and strings: what it says, and where it is found."""

_ATTEMPTS = 3
"""The last asks for all items: of a slate that changes each time between question and answer."""


class ItemCache:
    """What lies in one server of items.  It belongs to the event loop of the stream."""

    def __init__(
        self, keys_of: Callable[[str], Sequence[bytes]], kept_bytes: int = KEPT_BYTES
    ) -> None:
        """Keep so many bytes; what was read first goes first.

        Args:
            keys_of: the keys of an item's strings.
            kept_bytes: of keys, strings and what they say.
        """
        self._keys_of, self._kept_bytes = keys_of, kept_bytes
        self.invalidate(None)

    async def read(self, stream: PipelinedClient, slate: SlateRead) -> RequestContext:
        """The facts of a slate, as if all of it had been asked for.

        Raises:
            redis.RedisError: the server does not answer.
        """
        for _ in range(_ATTEMPTS - 1):
            known, unknown = self._known(slate.item_ids)
            if (facts := await self._asked(stream, slate, known, unknown)) is not None:
                return facts
        facts = await self._asked(stream, slate, (), slate.item_ids)
        assert facts is not None, "all items were asked for"
        return facts

    def invalidate(self, keys: Sequence[bytes] | None) -> None:
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
        self,
        stream: PipelinedClient,
        slate: SlateRead,
        known: Sequence[StoredItem],
        unknown: Sequence[str],
    ) -> RequestContext | None:
        """The facts; None where what was known of an item has changed before the answer.

        Where all items are known, their part is worked out while the server answers.
        """
        begun: list[RequestContext] = []

        def begin() -> None:
            if not unknown:
                begun.append(slate.begun(known))

        asked = slate.commands(unknown, await stream.tells_changes())
        understand = partial(self._whole, asked, slate.item_ids, unknown)
        found = await stream.ask(asked.commands, asked.answers, understand, begin)
        if found is None:
            return None
        items, told = found
        return slate.facts(begun[0] if begun and items == known else slate.begun(items), told)

    def _whole(
        self,
        asked: Asked,
        wanted: Sequence[str],
        item_ids: Sequence[str],
        answers: Sequence[object],
    ) -> tuple[list[StoredItem], Told] | None:
        """All items wanted, and what was told; None where one of them has changed meanwhile."""
        told = asked.told(answers)
        fresh = dict(zip(item_ids, map(StoredItem, item_ids, told.items), strict=True))
        known, unknown = self._known(wanted, fresh)
        if asked.is_vouched:
            self._keep(fresh.values())
        return None if unknown else (known, told)

    def _known(
        self, item_ids: Sequence[str], fresh: Mapping[str, StoredItem] | None = None
    ) -> tuple[list[StoredItem], list[str]]:
        """The items of which it is known what lies there, `fresh` or kept, and which others are."""
        found = [*map(self._items.get, item_ids)]
        if fresh:
            found = [*map(fresh.get, item_ids, found)]
        known = [item for item in found if item is not None]
        if len(known) == len(found):
            return known, []
        return known, [i for i, item in zip(item_ids, found, strict=True) if item is None]

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
        return _EACH + sum(map(len, strings))
