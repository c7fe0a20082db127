"""The stored strings of items, cached until the server reports that they changed.

User, query and market are read from the server at every request.  The server reports changes before
it replies, so the cached strings equal the stored ones at the instant of each reply.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from feature_repo.online.hydration.item_rows import StoredItem
from feature_repo.online.hydration.reader import SlateRead
from feature_repo.online.hydration.slate_query import SlateReply
from feature_repo.online.redis import PipelinedClient
from feature_repo.request_features.context import RequestContext

CACHE_BYTES = 120_000_000
"""Some fifty thousand items."""

OVERHEAD_BYTES = 1500
"""Bytes that an item takes beyond its keys and strings: decoded values and entries of mappings."""

_ATTEMPTS = 3
"""Reads of one slate; the last requests all items, in case some change during every read."""


class ItemCache:
    """A cache of one server's items.  It belongs to the event loop of its client."""

    def __init__(
        self, keys_of: Callable[[str], Sequence[bytes]], max_bytes: int = CACHE_BYTES
    ) -> None:
        """Create an empty cache.

        Args:
            keys_of: returns the keys of an item's strings.
            max_bytes: of keys, strings and decoded values; the oldest entries are removed first.
        """
        self._keys_of, self._max_bytes = keys_of, max_bytes
        self.invalidate(None)

    async def read(self, client: PipelinedClient, slate: SlateRead) -> RequestContext:
        """Return the context of a slate, as if every string of it had been requested.

        Raises:
            redis.RedisError: the server does not answer.
        """
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt == _ATTEMPTS
            cached, missing = ([], slate.item_ids) if is_last else self.split(slate.item_ids)
            read = _CachedRead(self, slate, cached, missing, await client.is_tracking())
            if await client.send(read):
                return read.context()

    def invalidate(self, keys: Sequence[bytes] | None) -> None:
        """Remove the items whose keys changed; all items for None."""
        if keys is None:
            self._items: dict[str, StoredItem] = {}
            self._item_of: dict[bytes, str] = {}
            self._bytes = 0
            return
        for key in keys:
            if (item_id := self._item_of.get(key)) is not None:
                self._remove(item_id)

    def split(
        self, item_ids: Sequence[str], fresh: Mapping[str, StoredItem] | None = None
    ) -> tuple[list[StoredItem], list[str]]:
        """Return the items that are `fresh` or cached, and the ids of all others."""
        items = [*map(self._items.get, item_ids)]
        if fresh:
            items = [*map(fresh.get, item_ids, items)]
        available = [item for item in items if item is not None]
        if len(available) == len(items):
            return available, []
        return available, [i for i, item in zip(item_ids, items, strict=True) if item is None]

    def add(self, fresh: Iterable[StoredItem]) -> None:
        """Cache items that were just read, and remove the oldest beyond the limit."""
        for item in fresh:
            self._remove(item.item_id)
            self._items[item.item_id] = item
            self._item_of.update(dict.fromkeys(self._keys_of(item.item_id), item.item_id))
            self._bytes += self._size(item)
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._items)))

    def _remove(self, item_id: str) -> None:
        item = self._items.pop(item_id, None)
        if item is not None:
            for key in self._keys_of(item_id):
                del self._item_of[key]
            self._bytes -= self._size(item)

    def _size(self, item: StoredItem) -> int:
        strings = (*self._keys_of(item.item_id), *filter(None, item.strings))
        return OVERHEAD_BYTES + sum(map(len, strings))


class _CachedRead:
    """One round trip of a slate, an `Exchange`: reads the items that are not cached.

    Attributes:
        commands: in the Redis protocol.
        reply_count: number of replies to them.
    """

    def __init__(
        self,
        cache: ItemCache,
        slate: SlateRead,
        cached: Sequence[StoredItem],
        missing: Sequence[str],
        is_tracked: bool,
    ) -> None:
        self._cache, self._slate, self._cached, self._missing = cache, slate, cached, missing
        self._request = request = slate.request(missing, is_tracked=is_tracked)
        self.commands, self.reply_count = request.commands, request.reply_count
        self._context: RequestContext | None = None
        self._items: Sequence[StoredItem] = ()
        self._reply: SlateReply | None = None

    def while_waiting(self) -> None:
        """Compute the candidates' part of the context where all of them are cached."""
        if not self._missing:
            self._context = self._slate.with_items(self._cached)

    def parse(self, replies: Sequence[object]) -> bool:
        """Cache fresh items; return whether every item of the slate is fresh or still cached."""
        self._reply = self._request.parse(replies)
        items = map(StoredItem, self._missing, self._reply.items)
        fresh = dict(zip(self._missing, items, strict=True))
        self._items, changed = self._cache.split(self._slate.item_ids, fresh)
        if self._request.is_tracked:
            self._cache.add(fresh.values())
        return not changed

    def context(self) -> RequestContext:
        """Return the context; `parse` has returned true."""
        assert self._reply is not None
        if self._context is None or self._items != self._cached:
            self._context = self._slate.with_items(self._items)
        return self._slate.complete(self._context, self._reply)
