"""Reads a room's slates as the service does, beside reads that ask for everything."""

import asyncio

from feature_repo.events.contract import query_key
from feature_repo.online.hydration import ItemCache
from feature_repo.online.hydration.item_cache import KEPT_BYTES
from feature_repo.online.redis import PipelinedClient, RedisAddress
from tests.feature_repo.online.byte_proxy import ByteProxy
from tests.feature_repo.online.conftest import TIMEOUT_SECONDS
from tests.feature_repo.online.histories import ITEMS, NOW, comparable


def arguments(items=ITEMS, t=NOW, user="u1", query="shoes"):
    """What both kinds of read are asked."""
    return {
        "user_id": user, "query_key": query and query_key(query, "default"),
        "item_ids": items, "t": t,
    }  # fmt: skip


def full(room, *asked, **named):
    """What a read that keeps nothing finds."""
    return comparable(room.reader.read(**arguments(*asked, **named)))


class CachedReader:
    """Keeps what it read of items, over one connection.  It belongs to one event loop."""

    def __init__(self, room, address=None, kept_bytes=KEPT_BYTES):
        self.room = room
        self.items = ItemCache(room.reader.item_keys, kept_bytes)
        address = address or room.address
        self.stream = PipelinedClient(address, TIMEOUT_SECONDS, _greeted, self.items.invalidate)

    async def read(self, *asked, **named):
        """The facts of one slate."""
        slate = self.room.reader.slate(**arguments(*asked, **named))
        return comparable(await self.items.read(self.stream, slate))

    def close(self):
        """Hang up."""
        self.stream.close()


class Watched:
    """A reader that keeps, and a view of what it asks; runs its own event loop step by step."""

    def __init__(self, room, kept_bytes=KEPT_BYTES, address=None):
        self.room, self._runner = room, asyncio.Runner()
        self.way = self._runner.run(ByteProxy(address or room.address).__aenter__())
        url = (address or room.address).url.replace(f":{room.address.port}/", f":{self._port}/")
        self.known = CachedReader(room, RedisAddress.parse(url), kept_bytes)

    @property
    def _port(self):
        return self.way.address.port

    def read(self, *asked, **named):
        """The facts of a slate, and of which items strings were asked for, question by question."""
        self.way.asked.clear()
        return self._runner.run(self.known.read(*asked, **named)), self.asked(*asked, **named)

    def read_twice(self):
        """The facts of a slate that is asked for by two at once."""

        async def both():
            return await asyncio.gather(self.known.read(), self.known.read())

        self.way.asked.clear()
        return self._runner.run(both())

    def asked(self, items=ITEMS, **_):
        """Of which items strings were asked for, question by question."""
        of_key = {key: item for item in items for key in self.room.reader.item_keys(item)}
        questions = []
        for words in self.way.asked:
            if is_question(words):
                questions.append([])
            elif words[0] == b"MGET":
                questions[-1] += dict.fromkeys(of_key[key] for key in words[1:] if key in of_key)
        return questions

    def close(self):
        """Hang up."""

        async def ended():
            self.known.close()
            await self.way.__aexit__()

        self._runner.run(ended())
        self._runner.close()


def is_question(words):
    """Whether a command begins what is asked about a slate, lists left out: all but the items."""
    return words[0] == b"MGET" and any(b"market_baseline" in word for word in words)


async def hung_up(known):
    """End a reader's connection, and have the loop hear of it."""
    known.close()
    await asyncio.sleep(0)


async def _greeted(connection):
    await connection.on_connect()
