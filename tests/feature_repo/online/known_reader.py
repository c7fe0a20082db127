"""Reads a room's slates as the service does, beside reads that ask for everything."""

import asyncio

from feature_repo.online.known_items import KEPT_BYTES, KnownItems
from feature_repo.online.slate_stream import SlateStream
from feature_repo.query_key import query_key
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


class KnownReader:
    """Keeps what it read of items, over one connection.  It belongs to one event loop."""

    def __init__(self, room, address=None, kept_bytes=KEPT_BYTES):
        self.room = room
        self.items = KnownItems(room.reader.item_keys, kept_bytes)
        address = address or room.address
        self.stream = SlateStream(address, TIMEOUT_SECONDS, _greeted, self.items.forget)

    async def read(self, *asked, **named):
        """The facts of one slate."""
        slate = self.room.reader.slate(**arguments(*asked, **named))
        return comparable(await self.items.read(self.stream, slate))

    def close(self):
        """Hang up."""
        self.stream.close()


async def hung_up(known):
    """End a reader's connection, and have the loop hear of it."""
    known.close()
    await asyncio.sleep(0)


async def _greeted(connection):
    await connection.on_connect()
