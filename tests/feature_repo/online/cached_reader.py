"""Reads slates through the item cache as the service does, to compare with uncached reads."""

import asyncio

from feature_repo.events.contract import query_key
from feature_repo.online.hydration import ItemCache
from feature_repo.online.hydration.item_cache import CACHE_BYTES
from feature_repo.online.redis import PipelinedClient, RedisAddress
from tests.feature_repo.online.byte_proxy import ByteProxy
from tests.feature_repo.online.conftest import TIMEOUT_SECONDS
from tests.feature_repo.online.histories import ITEMS, NOW, comparable


def arguments(items=ITEMS, t=NOW, user="u1", query="shoes"):
    """The arguments of both kinds of read."""
    return {
        "user_id": user,
        "query_key": query and query_key(query, "default"),
        "item_ids": items,
        "t": t,
    }


def uncached(room, *args, **named):
    """Read a slate without a cache."""
    return comparable(room.reader.read(**arguments(*args, **named)))


class CachedReader:
    """Reads through a cache over one connection.  It belongs to one event loop."""

    def __init__(self, room, address=None, max_bytes=CACHE_BYTES):
        self.room = room
        self.items = ItemCache(room.reader.item_keys, max_bytes)
        address = address or room.address
        self.client = PipelinedClient(address, TIMEOUT_SECONDS, _on_connect, self.items.invalidate)

    async def read(self, *args, **named):
        """Read one slate."""
        slate = self.room.reader.slate(**arguments(*args, **named))
        return comparable(await self.items.read(self.client, slate))

    def close(self):
        """Close the connection."""
        self.client.close()


class ObservedReader:
    """A cached reader whose commands are recorded; it runs its own event loop step by step."""

    def __init__(self, room, max_bytes=CACHE_BYTES, address=None):
        self.room, self._runner = room, asyncio.Runner()
        self.proxy = self._runner.run(ByteProxy(address or room.address).__aenter__())
        url = (address or room.address).url.replace(f":{room.address.port}/", f":{self._port}/")
        self.reader = CachedReader(room, RedisAddress.parse(url), max_bytes)

    @property
    def _port(self):
        return self.proxy.address.port

    def read(self, *args, **named):
        """Read a slate; return it and the items requested, request by request."""
        self.proxy.commands.clear()
        return self._runner.run(self.reader.read(*args, **named)), self.requests(*args, **named)

    def read_twice(self):
        """Read the same slate twice concurrently."""

        async def both():
            return await asyncio.gather(self.reader.read(), self.reader.read())

        self.proxy.commands.clear()
        return self._runner.run(both())

    def requests(self, items=ITEMS, **_):
        """Return the items whose strings were requested, request by request."""
        of_key = {key: item for item in items for key in self.room.reader.item_keys(item)}
        requests = []
        for words in self.proxy.commands:
            if is_request(words):
                requests.append([])
            elif words[0] == b"MGET":
                requests[-1] += dict.fromkeys(of_key[key] for key in words[1:] if key in of_key)
        return requests

    def close(self):
        """Close the connection and the proxy."""

        async def end():
            self.reader.close()
            await self.proxy.__aexit__()

        self._runner.run(end())
        self._runner.close()


def is_request(words):
    """Whether a command is the first of a slate's request after the lists: it reads no items."""
    return words[0] == b"MGET" and any(b"market_baseline" in word for word in words)


async def disconnect(reader):
    """Close a reader's connection, and let the loop process that."""
    reader.close()
    await asyncio.sleep(0)


async def _on_connect(connection):
    await connection.on_connect()
