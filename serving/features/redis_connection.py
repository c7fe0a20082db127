"""The home's Redis server as the service uses it: impatient for rankings, patient for events."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, RedisError, Settings
from feature_repo.online.hydration import ItemCache, OnlineReader
from feature_repo.online.live import LiveWriter
from feature_repo.online.redis import PipelinedClient, RedisAddress, port_of, redis_client
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.query import Query

READ_TIMEOUT_SECONDS = 0.08
"""Of one read; a frozen server costs one request this much, and those after it nothing."""

WRITE_TIMEOUT_SECONDS = 1.0

_RUN_ID = re.compile(rb"run_id:(\w+)")


@dataclass
class KnownServer:
    """The server whose live state is whole, by its run id.

    A server that was restarted may have lost the last second.  Every new connection of a reader
    asks who answers, so that no ranking reads from a restarted server before the log was replayed.

    Attributes:
        was_loaded: whether features were seen to be loaded there.
    """

    run_id: str | None = None
    was_loaded: bool = False

    async def check(self, connection: Any) -> None:
        """Open a connection as redis-py does, unless another server answers."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        found = _RUN_ID.search(await connection.read_response())
        if found is None or found[1].decode() != self.run_id:
            raise redis.ConnectionError("the server is another one, or was restarted")


@dataclass(frozen=True)
class RedisConnection:
    """Reader and writer of the live features, on one server."""

    client: "redis.Redis"
    stream: PipelinedClient
    items: ItemCache
    reader: OnlineReader
    writer: LiveWriter
    known: KnownServer
    clock: Clock
    loaded_key: str

    @classmethod
    def open(cls, settings: Settings, shop: Shop, log: EventLog, clock: Clock) -> "RedisConnection":
        """Open the stores, which imports Feast.

        Raises:
            RedisError: the home has no server yet.
        """
        from feature_repo.feast_repo import loaded_key

        home, address = settings.home, address_of(settings)
        _render_once(home, address)
        client = redis_client(address, timeout=WRITE_TIMEOUT_SECONDS)
        read_timeout = READ_TIMEOUT_SECONDS * settings.patience
        known, reader = KnownServer(), OnlineReader(home, shop, client)
        items = ItemCache(reader.item_keys)
        return cls(
            client=client,
            stream=PipelinedClient(address, read_timeout, known.check, items.invalidate),
            items=items,
            reader=reader,
            writer=LiveWriter(home, shop, client, log, clock, reader),
            known=known,
            clock=clock,
            loaded_key=loaded_key(home),
        )

    def run_id(self) -> str:
        """The server's run id.

        Raises:
            RedisError: it lost what was loaded.
        """
        if self.client.exists(self.loaded_key):
            self.known.was_loaded = True
        elif self.known.was_loaded:
            raise RedisError("Redis lost the features that were loaded; run `aisle refresh`.")
        about = cast("dict[str, object]", self.client.info("server"))
        return str(about["run_id"])

    async def read(self, query: Query) -> RequestContext:
        """The facts of a request, held events of before its instant among them, and none of after.

        The instant of the facts is the request's; a later one, where a held event of a later time
        was applied meanwhile.
        """
        t = query.t
        while True:
            if self.writer.held:
                await asyncio.to_thread(self.writer.release_held, t - 1)
            facts = await self._read_at(t, query)
            if self.writer.released_to < t:
                return facts
            t = self.clock.now()

    async def _read_at(self, t: int, query: Query) -> RequestContext:
        slate = self.reader.slate(
            user_id=query.user_id,
            query_key=query.key,
            item_ids=query.item_ids,
            t=t,
            query=query.text,
            market=query.market,
            utc_offset_minutes=query.utc_offset_minutes,
        )
        return await self.items.read(self.stream, slate)

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Make events count."""
        return self.writer.apply(events)

    def replay(self) -> int:
        """Apply the unsealed log; from now on the server's live state is whole."""
        identity = self.run_id()
        missed = self.writer.replay()
        self.known.run_id = identity
        return missed

    def apply_due_events(self) -> int:
        """Apply the events whose time has come."""
        return self.writer.release_held()

    def close(self) -> None:
        """Close the connection of the reads."""
        self.stream.close()


def address_of(settings: Settings) -> RedisAddress:
    """`REDIS_URL`, else the port kept for the home's private server, which a parent runs.

    Raises:
        RedisError: there is none.
    """
    if settings.redis_url:
        return RedisAddress.parse(settings.redis_url)
    port = port_of(settings.home)
    if port is None:
        raise RedisError(f"{settings.home.root} has no Redis server yet; run `aisle redis start`.")
    return RedisAddress.local(port)


def _render_once(home: Home, address: RedisAddress) -> None:
    from feature_repo.feast_repo import render

    if not (home.feast / "feature_store.yaml").exists():
        render(home, address.host, address.port, address.url)
