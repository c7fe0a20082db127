"""The Redis server as the service uses it: short timeouts for reads, long ones for events."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import redis

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, Settings
from feature_repo.online.hydration import (
    ArmCounts,
    ChangedItems,
    ItemCache,
    ItemState,
    ListedChanges,
    OnlineReader,
)
from feature_repo.online.live import LiveWriter
from feature_repo.online.redis import (
    LiveKeys,
    PipelinedClient,
    RedisAddress,
    address_of,
    claim,
    redis_client,
)
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.features.online_features import FeaturesMissingError, OnlineFeatures
from serving.features.unapplied_marks import UnappliedMarks
from serving.query import Query

READ_TIMEOUT_SECONDS = 0.08
"""Timeout of one read.  A frozen server delays one request by it, and the later ones not at all."""

WRITE_TIMEOUT_SECONDS = 1.0

_RUN_ID = re.compile(rb"run_id:(\w+)")


@dataclass
class RecoveredServer:
    """The server whose features are complete, identified by its run id.

    A restarted server may have lost the last second of events.  Every new connection of a reader
    checks the run id, so that no request reads from a restarted server before the log is replayed.

    Attributes:
        run_id: of the server; another one after each start of it.
    """

    run_id: str | None = None

    async def check(self, connection: Any) -> None:
        """Set up a connection as redis-py does, and check the server.

        Raises:
            ConnectionError: another server answers, or the server was restarted.
        """
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        match = _RUN_ID.search(await connection.read_response())
        if match is None or match[1].decode() != self.run_id:
            raise redis.ConnectionError("the server is another one, or was restarted")


@dataclass(frozen=True)
class RedisConnection:
    """Reader and writer of online features on one server."""

    home: Home
    client: "redis.Redis"
    stream: PipelinedClient
    items: ItemCache
    reader: OnlineReader
    writer: LiveWriter
    changed_items: ChangedItems
    recovered: RecoveredServer
    clock: Clock
    loaded_key: str
    read_timeout: float

    @classmethod
    def open(cls, settings: Settings, shop: Shop, log: EventLog, clock: Clock) -> "RedisConnection":
        """Open the stores.

        Raises:
            RedisError: the home has no server yet.
        """
        from feature_repo.feast_repo import loaded_key

        home, address = settings.home, address_of(settings)
        _render_once(home, address)
        client = redis_client(address, timeout=WRITE_TIMEOUT_SECONDS)
        read_timeout = READ_TIMEOUT_SECONDS * settings.patience
        recovered, reader = RecoveredServer(), OnlineReader(home, shop, client)
        items = ItemCache(reader.item_keys)
        return cls(
            home=home,
            client=client,
            stream=PipelinedClient(address, read_timeout, recovered.check, items.invalidate),
            items=items,
            reader=reader,
            writer=LiveWriter(home, shop, client, log, clock, reader),
            changed_items=ChangedItems(reader, client, LiveKeys.of(home)),
            recovered=recovered,
            clock=clock,
            loaded_key=loaded_key(home),
            read_timeout=read_timeout,
        )

    def run_id(self) -> str:
        """Return the server's run id.

        Raises:
            FeaturesMissingError: the home has features, and the server does not.
            RedisError: another home has the keys.
        """
        claim(self.client, self.home)
        if self.home.features.exists() and not self.client.exists(self.loaded_key):
            raise FeaturesMissingError
        info = cast("dict[str, object]", self.client.info("server"))
        return str(info["run_id"])

    async def read(self, query: Query) -> RequestContext:
        """Read the features of a request, as of its instant.

        Pending events of before that instant are applied first.  When a pending event of a later
        instant was applied meanwhile, the features are as of a later instant, `context.t`.
        """
        t = query.t
        while True:
            if self.writer.has_due(t - 1):
                await self._release_held(t - 1)
            context = await self._read_at(t, query)
            if self.writer.released_to < t:
                return context
            t = self.clock.now()

    async def arm_counts(self, arm_keys: Sequence[str], t: int) -> ArmCounts:
        """Read the decisions and rewards of arms of bandits, as of an instant."""
        if self.writer.has_due(t - 1):
            await self._release_held(t - 1)
        return await self.stream.send(self.reader.arm_read(arm_keys, t))

    async def _release_held(self, t: int) -> None:
        """Apply pending events, and wait no longer than for a read.

        Raises:
            redis.TimeoutError: the server does not answer in time.
        """
        try:
            async with asyncio.timeout(self.read_timeout):
                await asyncio.to_thread(self.writer.release_held, t)
        except TimeoutError:
            raise redis.TimeoutError(f"no answer within {self.read_timeout:g} s") from None

    async def _read_at(self, t: int, query: Query) -> RequestContext:
        slate = self.reader.slate(
            user_id=query.user_id,
            session_id=query.session_id,
            query_key=query.key,
            item_ids=query.item_ids,
            t=t,
            query=query.text,
            market=query.market,
            utc_offset_minutes=query.utc_offset_minutes,
        )
        return await self.items.read(self.stream, slate)

    def apply(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Apply events, and return the outcome of each."""
        return self.writer.apply(events)

    def replay(self) -> int:
        """Apply the unsealed log, which makes the server's features complete."""
        run_id = self.run_id()
        applied = self.writer.replay()
        self.recovered.run_id = run_id
        return applied

    def apply_due_events(self) -> int:
        """Apply pending events whose time has come; return how many."""
        return self.writer.release_held()

    def changes_after(self, number: int | None) -> ListedChanges:
        """Return the items that changed after a change; none of them for None."""
        return self.changed_items.after(number)

    def item_states(self, item_ids: Sequence[str]) -> list[ItemState | None]:
        """Return the newest attributes of items; None for an unknown item."""
        return self.changed_items.states(item_ids, self.clock.now())

    def close(self) -> None:
        """Close the connection of the reader."""
        self.stream.close()


def open_online_features(
    settings: Settings, shop: Shop, log: EventLog, clock: Clock
) -> OnlineFeatures:
    """Return the online features of a home; its Redis may be unavailable."""
    connect = partial(RedisConnection.open, settings, shop, log, clock)
    return OnlineFeatures(connect, UnappliedMarks(settings.home.unapplied))


def _render_once(home: Home, address: RedisAddress) -> None:
    from feature_repo.feast_repo import render

    if not (home.feast / "feature_store.yaml").exists():
        render(home, address)
