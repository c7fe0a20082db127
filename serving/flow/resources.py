"""What one process of the service holds, opened in one place and closed in one place."""

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from feature_repo.events.log import EventLog, SegmentWriter
from feature_repo.home import ApiKeys, Clock, RedisError, Settings
from feature_repo.shop import Shop
from serving.access import RUNNING_EVENTS, Authentication, ConcurrencyLimit, concurrency_limits
from serving.features import OnlineFeatures, RedisConnection
from serving.flow.inventory import describe_features
from serving.monitoring import run_in_pool
from serving.query import FILE, Query, Rules
from serving.recording import AnswerLog, EventIntake
from serving.state import DeletedItems, ModelRegistry, WatchedFile

LOOK_SECONDS = 0.5
"""How often links to artifacts, the rules, and Redis, are looked at."""

GARBAGE = 20_000
"""New objects between two looks for garbage: a few requests make as many, and free nearly all."""

_logger = logging.getLogger(__name__)


@dataclass
class Resources:
    """Everything a request may need.

    Attributes:
        writers: threads that log events.
        chores: threads of the work beside the requests, one a chore.
        draining: whether the process was asked to end.
    """

    settings: Settings
    clock: Clock
    shop: Shop
    writer: SegmentWriter
    models: ModelRegistry
    online_features: OnlineFeatures
    answer_log: AnswerLog
    event_intake: EventIntake
    deleted_items: DeletedItems
    rules: WatchedFile[Rules]
    authentication: Authentication
    concurrency_limits: dict[str, ConcurrencyLimit] = field(default_factory=concurrency_limits)
    writers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(RUNNING_EVENTS, "write")
    )
    chores: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "chore"))
    draining: bool = False
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @classmethod
    def open(cls, settings: Settings) -> "Resources":
        """Open a home: its models first, then its live state.  Redis may be away.

        Raises:
            AisleError: the home's settings, clock or shop cannot be used.
        """
        clock, shop = Clock.of(settings), Shop.load(settings.home.shop_toml)
        log = EventLog(settings.home, clock)
        writer = log.writer()
        online_features = OnlineFeatures(lambda: RedisConnection.open(settings, shop, log, clock))
        answer_log = AnswerLog(log, writer, settings.record_share)
        deleted_items = DeletedItems.from_log(log)
        event_intake = EventIntake(
            home=settings.home,
            log=log,
            writer=writer,
            online_features=online_features,
            clock=clock,
            find_answer=answer_log.get,
            on_accepted=deleted_items.apply,
        )
        models = ModelRegistry(settings.home, shop)
        rules = WatchedFile(
            "rules", settings.home.root / FILE, lambda path: Rules.load(path, shop), Rules()
        )
        path = settings.home.api_keys
        authentication = Authentication(WatchedFile("keys", path, ApiKeys.load, ApiKeys.load(path)))
        for load in (models.reload, rules.reload, online_features.maintain):
            load()
        answer_log.start()
        return cls(
            settings=settings,
            clock=clock,
            shop=shop,
            writer=writer,
            models=models,
            online_features=online_features,
            answer_log=answer_log,
            event_intake=event_intake,
            deleted_items=deleted_items,
            rules=rules,
            authentication=authentication,
        )

    @cached_property
    def features(self) -> dict[str, Any]:
        """The catalogue, described: the same until the process ends."""
        return describe_features(self.settings.home)

    @property
    def is_ready(self) -> bool:
        """Whether shoppers may be sent here."""
        return self.models.is_ready and not self.draining

    def drain(self) -> None:
        """Stop being ready; requests are still answered."""
        self.draining = True

    async def start(self) -> None:
        """Read once, so that the first shopper does not wait for imports and connections.

        Then follow what is published and look after the live state, until closed.
        """
        with suppress(RedisError):
            await self.online_features.read(
                Query("warm-up", self.clock.now(), "warm-up", item_ids=["warm-up"])
            )
        _settle()
        watched = (self.models, self.rules, self.authentication.keys)
        chores = [*(one.reload for one in watched), self.online_features.maintain]
        self._tasks = [asyncio.create_task(self._repeat(chore)) for chore in chores]

    async def close(self) -> None:
        """End the chores, log what is queued, close the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.online_features.close()
        for pool in (self.writers, self.chores):
            pool.shutdown(wait=True, cancel_futures=True)
        self.answer_log.close()
        self.writer.close()

    async def _repeat(self, chore: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await run_in_pool(self.chores, chore)
            except Exception:
                _logger.exception("a chore failed; it is tried again")


def _settle() -> None:
    """Spare the collector what stays for good: libraries and models, each time looked through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
