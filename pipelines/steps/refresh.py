"""Refresh a home: compute features from new events, load them online, and fit the indexes.

    compare -> compact -> transform -> materialize -> index -> erase -> remove -> monitor

A home runs one refresh at a time.  The next refresh completes one that was killed.  After a
backfill all features are computed and loaded again.  Indexes are fitted again if items or
interactions changed; the service swaps them while it runs.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from feature_repo.events.log import EventLog, pending_erasure
from feature_repo.home import (
    MINUTE,
    AisleError,
    Clock,
    Home,
    SettingError,
    Settings,
    exclusive,
    to_text,
)
from feature_repo.shop import Shop
from pipelines.steps.feature_update import Announce, FeatureUpdate
from pipelines.steps.home_redis import home_redis
from pipelines.steps.retention import remove_unneeded

if TYPE_CHECKING:
    from feature_repo.online.redis import RedisAddress

_QUALITY_PERIOD = 10 * MINUTE
"""Age of quality figures above which a refresh without new events measures them again."""


@dataclass(frozen=True)
class RefreshReport:
    """The result of one refresh.

    Attributes:
        sealed_at: events logged before this instant are now in the features and online.
        compacted: number of events that moved from segments into Parquet.
        views: number of feature rows by view.
        seconds: wall time by stage.
        rebuilt: whether all features were computed and loaded again.
        indices: published versions by kind; empty if nothing changed.
        erased: how many lines and files with erased users were removed; empty if there are none.
        removed: by kind, how many old files and folders were removed; see `retention.py`.
        skipped: whether nothing was new, so that no stage but the removal of old files ran.
    """

    sealed_at: str
    compacted: int
    views: dict[str, int]
    seconds: dict[str, float]
    rebuilt: bool
    indices: dict[str, str]
    erased: dict[str, int]
    removed: dict[str, int]
    skipped: bool = False

    @classmethod
    def unchanged(
        cls, sealed_at: int, seconds: dict[str, float], removed: dict[str, int]
    ) -> "RefreshReport":
        """Return the result of a refresh without anything new since a seal."""
        return cls(to_text(sealed_at), 0, {}, seconds, False, {}, {}, removed, skipped=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def refresh(
    settings: Settings, announce: Announce = lambda _: None, *, wait: bool = False
) -> RefreshReport:
    """Update features and the online store to now.

    Args:
        settings: of the home.
        announce: called with the name of each stage.
        wait: wait while the home is in use, instead of raising BusyError.

    Raises:
        BusyError: another process refreshes this home.
        RedisError: no Redis server can be reached or started.
    """
    with exclusive(settings.home, "a refresh", wait=wait), home_redis(settings) as address:
        return _refresh(settings, address, announce)


def refresh_every(
    settings: Settings, seconds: float, announce: Announce
) -> Iterator[RefreshReport]:
    """Refresh until interrupted, `seconds` from start to start.

    If a refresh fails, for example because Redis is down, it is announced and the next one runs at
    its time.
    """
    while True:
        began = time.monotonic()
        try:
            yield refresh(settings, announce, wait=True)
        except AisleError as error:
            announce(f"failed, and will be tried again: {error}")
        time.sleep(max(0.0, began + seconds - time.monotonic()))


def parse_period(text: str) -> float:
    """Return the seconds of a period such as `90s`, `10m` or `2h`.

    >>> parse_period("10m")
    600.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not match or float(match[1]) <= 0:
        raise SettingError(f"Expected a period such as 90s, 10m or 2h, found {text!r}.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _refresh(settings: Settings, address: "RedisAddress", announce: Announce) -> RefreshReport:
    from training.retrieval.sources import are_current, publish_indexes

    update, stages = FeatureUpdate(settings, address, announce), _Stages(announce)
    home, log = update.home, update.log
    with stages.stage("compare"):
        if _is_current(home, log, update.clock, address):
            removed = remove_unneeded(settings).counts()
            _measure_quality(home, update.clock.now(), only_old=True)
            return RefreshReport.unchanged(log.seals().last, stages.seconds, removed)
    with stages.stage("compact"):
        sealed_at, compacted = update.seal()
    with stages.stage("transform"):
        transformed = update.transform()
    with stages.stage("materialize"):
        update.apply()
        loaded = update.load()
    with stages.stage("index"):
        indices = {} if are_current(home) else publish_indexes(home, only_changed=True).versions
    with stages.stage("erase"):
        erased = update.erase()
    with stages.stage("remove"):
        removed = remove_unneeded(settings).counts()
    with stages.stage("monitor"):
        _measure_quality(home, update.clock.now())
        _decide_experiments(home, update.clock.now(), announce)
    return RefreshReport(
        sealed_at=to_text(sealed_at),
        compacted=compacted.compacted,
        views={name: view.rows for name, view in transformed.views.items()},
        seconds=stages.seconds,
        rebuilt=loaded.rebuilt,
        indices=indices,
        erased=erased,
        removed=removed,
    )


def _is_current(home: Home, log: EventLog, clock: Clock, address: "RedisAddress") -> bool:
    """Return whether a refresh would change nothing: offline, online, registry and indexes."""
    from feature_repo.feast_repo import registered_views
    from feature_repo.transformations import is_current
    from feature_repo.views import views_of

    if log.rebuild_needed or pending_erasure(home.log).users:
        return False
    if next(log.unsealed(), None) or not is_current(home, clock.now()):
        return False
    if registered_views(home) != {spec.name for spec in views_of(Shop.load(home.shop_toml))}:
        return False
    from training.retrieval.sources import are_current

    return _refreshed_seal(home, address) == log.seals().last and are_current(home)


def _refreshed_seal(home: Home, address: "RedisAddress") -> int | None:
    """Return the seal of the last whole refresh; None where Redis has none or does not answer."""
    import redis

    from feature_repo.feast_repo import refreshed_key
    from feature_repo.online.redis import redis_client

    try:
        with redis_client(address) as client:
            seal = client.get(refreshed_key(home))
    except redis.RedisError:
        return None  # the load says what is wrong with the server
    return None if seal is None else int(seal)


def _measure_quality(home: Home, now: int, *, only_old: bool = False) -> None:
    """Measure quality for the service to show; with `only_old`, unless it was measured lately."""
    from training.monitoring import Quality, measure_quality

    last = Quality.read(home) if only_old else None
    if last is None or abs(now - last.measured_at) > _QUALITY_PERIOD:
        measure_quality(home, now)


def _decide_experiments(home: Home, now: int, announce: Announce) -> None:
    """Carry out the decision rules of experiments; a wrong file costs no refresh."""
    from training.experiments import EXPERIMENTS_FILE

    if not (home.root / EXPERIMENTS_FILE).exists():
        return
    from training.experiment_analysis import decide_experiments

    try:
        decisions = decide_experiments(home, now)
    except SettingError as error:
        announce(f"experiments cannot be decided: {error}")
        return
    for name, decision in decisions.items():
        announce(f"experiment {name}: {decision.outcome} {decision.variant}: {decision.reason}")


class _Stages:
    def __init__(self, announce: Announce) -> None:
        self._announce = announce
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._announce(name)
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
