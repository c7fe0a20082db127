"""The resources of one process of the service, and their life cycle."""

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from feature_repo.events.log import EventLog, SegmentWriter
from feature_repo.events.quality import EventChecks
from feature_repo.home import ApiKeys, Clock, RedisError, Settings
from feature_repo.shop import Shop
from serving.access import RUNNING_EVENTS, Authentication, ConcurrencyLimit, concurrency_limits
from serving.experiments import LiveExperiments
from serving.features import OnlineFeatures, open_online_features
from serving.flow.inventory import describe_features
from serving.monitoring import run_in_pool
from serving.query import Query
from serving.recording import AnswerLog, EventIntake
from serving.state import DeletedItems, LiveIndexes, ModelRegistry, WatchedFile
from training.bandits import BANDITS_FILE, Bandits
from training.query_understanding import SYNONYMS_FILE, Synonyms
from training.rules import RULES_FILE, Rules

RELOAD_SECONDS = 0.5
"""Pause between two checks of artifacts, rules, keys and Redis."""

FOLLOW_SECONDS = 0.2
"""Pause between two reads of changed items, which a page must show within a second."""

GC_THRESHOLD = 20_000
"""Allocations between two garbage collections: a few requests' worth, nearly all freed."""

_logger = logging.getLogger(__name__)


@dataclass
class Resources:
    """Everything a request may use.

    Attributes:
        writers: threads that log events.
        background: threads of the periodic tasks.
        following: the thread that follows changes of items.
        draining: whether the process is shutting down.
    """

    settings: Settings
    clock: Clock
    shop: Shop
    writer: SegmentWriter
    models: ModelRegistry
    live_indexes: LiveIndexes
    online_features: OnlineFeatures
    answer_log: AnswerLog
    event_intake: EventIntake
    deleted_items: DeletedItems
    rules: WatchedFile[Rules]
    experiments: LiveExperiments
    bandits: WatchedFile[Bandits]
    synonyms: WatchedFile[Synonyms]
    authentication: Authentication
    concurrency_limits: dict[str, ConcurrencyLimit] = field(default_factory=concurrency_limits)
    writers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(RUNNING_EVENTS, "write")
    )
    background: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, "background")
    )
    following: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "follow"))
    draining: bool = False
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @classmethod
    def open(cls, settings: Settings) -> "Resources":
        """Open a home.  Redis may be unavailable.

        Raises:
            AisleError: the home's settings, clock or shop are invalid.
        """
        clock, shop = Clock.of(settings), Shop.load(settings.home.shop_toml)
        log = EventLog(settings.home, clock)
        writer = log.writer()
        online_features = open_online_features(settings, shop, log, clock)
        answer_log = AnswerLog(log, writer, settings.record_share)
        deleted_items = DeletedItems.from_log(log)
        event_intake = EventIntake(
            home=settings.home,
            log=log,
            writer=writer,
            online_features=online_features,
            clock=clock,
            checks=EventChecks.of(settings.home),
            find_answer=answer_log.get,
            on_accepted=deleted_items.apply,
        )
        models = ModelRegistry(settings.home, shop)
        root = settings.home.root
        rules = WatchedFile(
            "rules", root / RULES_FILE, lambda path: Rules.load(path, shop), Rules()
        )
        synonyms = WatchedFile("synonyms", root / SYNONYMS_FILE, Synonyms.load, Synonyms())
        experiments = LiveExperiments(settings.home, shop)
        bandits = _watched_bandits(root / BANDITS_FILE, shop)
        live_indexes = LiveIndexes(models, online_features, log)
        for load in (
            models.reload,
            rules.reload,
            experiments.reload,
            bandits.reload,
            synonyms.reload,
            online_features.maintain,
            live_indexes.follow,
        ):
            load()
        answer_log.start()
        return cls(
            settings=settings,
            clock=clock,
            shop=shop,
            writer=writer,
            models=models,
            live_indexes=live_indexes,
            online_features=online_features,
            answer_log=answer_log,
            event_intake=event_intake,
            deleted_items=deleted_items,
            rules=rules,
            experiments=experiments,
            bandits=bandits,
            synonyms=synonyms,
            authentication=_authentication(settings),
        )

    @cached_property
    def features(self) -> dict[str, Any]:
        """Description of the catalogue, which does not change while the process runs."""
        return describe_features(self.settings.home)

    @property
    def is_ready(self) -> bool:
        """Whether the service takes requests."""
        return self.models.is_ready and not self.draining

    def drain(self) -> None:
        """Stop being ready; requests are still answered."""
        self.draining = True

    async def start(self) -> None:
        """Read once, so that the first shopper does not wait for imports and connections.

        Then start the periodic tasks: reload what changed, and maintain the online features.
        """
        with suppress(RedisError):
            await self.online_features.read(
                Query("warm-up", self.clock.now(), "warm-up", item_ids=["warm-up"])
            )
        _freeze_garbage_collector()
        watched = (
            self.models,
            self.rules,
            self.experiments,
            self.bandits,
            self.synonyms,
            self.authentication.keys,
        )
        periodic = [*(each.reload for each in watched), self.online_features.maintain]
        repeated = [self._repeat(task, self.background, RELOAD_SECONDS) for task in periodic]
        repeated.append(self._repeat(self.live_indexes.follow, self.following, FOLLOW_SECONDS))
        self._tasks = [asyncio.create_task(each) for each in repeated]

    async def close(self) -> None:
        """Stop the periodic tasks, log the queued answers, close the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.online_features.close()
        for pool in (self.writers, self.background, self.following):
            pool.shutdown(wait=True, cancel_futures=True)
        self.answer_log.close()
        self.writer.close()

    async def _repeat(
        self, task: Callable[[], None], pool: ThreadPoolExecutor, pause_seconds: float
    ) -> None:
        while True:
            await asyncio.sleep(pause_seconds)
            try:
                await run_in_pool(pool, task)
            except Exception:
                _logger.exception("a periodic task failed and will be repeated")


def _watched_bandits(path: Path, shop: Shop) -> WatchedFile[Bandits]:
    return WatchedFile("bandits", path, lambda path: Bandits.load(path, shop), Bandits())


def _authentication(settings: Settings) -> Authentication:
    path = settings.home.api_keys
    keys = WatchedFile("keys", path, ApiKeys.load, ApiKeys.load(path))
    return Authentication(keys, settings.cors_origins)


def _freeze_garbage_collector() -> None:
    """Exclude libraries and models, which are never freed, from garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
