"""The parts of an update of features, which a refresh and the pipelines have in common.

Each part starts from what the home and Redis have, so it can run after any other work: new events
may have come since the part before it, or another process may have done that part again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, LiveStateError, PipelineError, Settings, exclusive
from feature_repo.shop import Shop
from feature_repo.transformations import features_sealed_at, transform
from pipelines.steps.erasure import complete_erasures
from pipelines.steps.home_redis import home_redis

if TYPE_CHECKING:
    from feature_repo.events.log import CompactionReport
    from feature_repo.online.live import LiveWriter
    from feature_repo.online.redis import RedisAddress
    from feature_repo.transformations import TransformReport

BATCH_SECONDS = 10.0
"""Deadline of one batch in Redis; a request's deadline is much shorter."""

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """The result of a load.

    Attributes:
        sealed_at: events logged up to this instant are in the loaded rows.
        rebuilt: whether all rows were loaded again.
        loaded: a line for each view with new rows.
    """

    sealed_at: int
    rebuilt: bool
    loaded: tuple[str, ...]


class FeatureUpdate:
    """An update of a home's features; the caller holds the home's lock and has its Redis server."""

    def __init__(
        self, settings: Settings, address: "RedisAddress", announce: Announce = lambda _: None
    ) -> None:
        self.home, self.clock = settings.home, Clock.of(settings)
        self.log = EventLog(self.home, self.clock)
        self._address, self._announce = address, announce

    def seal(self) -> "tuple[int, CompactionReport]":
        """Seal the log now, and compact the events up to the seal; return both."""
        return self.log.seal(), self.log.compact()

    def transform(self) -> "TransformReport":
        """Compute the feature rows up to the last seal."""
        return transform(self.home, self.clock.now())

    def apply(self) -> None:
        """Register the catalogue."""
        from feature_repo.feast_repo import repository

        repository.apply(self.home)

    def load(self, *, full: bool = False) -> Load:
        """Load the new rows, or all after a change of the past, and prune the live state.

        The live state loses the events up to the seal that the rows were computed from, and no
        later ones.

        Raises:
            PipelineError: the rows were not computed since definitions or the past of the log
                changed.
        """
        from feature_repo.feast_repo import refreshed_key
        from feature_repo.online.redis import redis_client

        sealed_at = features_sealed_at(self.home)
        if sealed_at is None:
            raise PipelineError(
                f"{self.home.root}: expected feature rows of the present log and definitions, "
                "found older ones or none. Compute them first: `aisle transform`."
            )
        rebuilt = full or self.log.rebuild_needed
        live = self._live()
        loaded = self._load(live, sealed_at, rebuilt=rebuilt)
        part = self.log.seals().part_of(sealed_at)
        live.replay()
        try:
            live.prune(part)
        except LiveStateError as error:
            self._announce(f"{error}")
            rebuilt = True
            loaded = self._load(live, sealed_at, rebuilt=True)
            live.replay()
            live.prune(part)
        if rebuilt:
            self.log.rebuild_done()
        with redis_client(self._address, timeout=BATCH_SECONDS) as client:
            client.set(refreshed_key(self.home), sealed_at)
        return Load(sealed_at, rebuilt, loaded)

    def loaded_until(self) -> int | None:
        """Return the end of the rows in Redis, an instant after the last one; None without any."""
        from feature_repo.feast_repo import loaded_key
        from feature_repo.online.redis import redis_client

        with redis_client(self._address, timeout=BATCH_SECONDS) as client:
            end = client.get(loaded_key(self.home))
        return None if end is None else int(end)

    def erase(self) -> dict[str, int]:
        """Complete pending erasures; return how many lines and files were removed, by kind."""
        from feature_repo.online.redis import redis_client

        with redis_client(self._address, timeout=BATCH_SECONDS) as client:
            return complete_erasures(self.home, client)

    def _load(self, live: "LiveWriter", sealed_at: int, *, rebuilt: bool) -> tuple[str, ...]:
        """Load the rows that are new, or all after the rows and the live state were removed."""
        from feature_repo.feast_repo import repository

        if rebuilt:
            repository.clear_online(self.home)
            live.flush()
        lines: list[str] = []
        repository.materialize(self.home, sealed_at + 1, full=rebuilt, announce=lines.append)
        return tuple(lines)

    def _live(self) -> "LiveWriter":
        from feature_repo.online.hydration import OnlineReader
        from feature_repo.online.live import LiveWriter
        from feature_repo.online.redis import redis_client

        shop = Shop.load(self.home.shop_toml)
        client = redis_client(self._address, timeout=BATCH_SECONDS)
        reader = OnlineReader(self.home, shop, client)
        return LiveWriter(self.home, shop, client, self.log, self.clock, reader)


@contextmanager
def feature_update(home: Path, purpose: str) -> Iterator[FeatureUpdate]:
    """Hold the home's lock and have its Redis server, for one part of an update."""
    settings = replace(Settings.from_environment(), home=Home(home))
    with exclusive(settings.home, purpose, wait=True), home_redis(settings) as address:
        yield FeatureUpdate(settings, address)
