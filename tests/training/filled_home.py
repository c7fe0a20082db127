"""Fill a home with a shop's events and features, registered with Feast; no Redis."""

from pathlib import Path

from feature_repo.events.ingest import ingest
from feature_repo.feast_repo import apply, render
from feature_repo.home import Clock, Home, Settings
from feature_repo.online.redis import RedisAddress
from feature_repo.transformations import transform


def fill(home: Home, events: Path, now: str) -> Home:
    """Ingest, transform and register."""
    clock = Clock.of(Settings(home=home, clock=now))
    ingest([events], home=home, clock=clock)
    transform(home, clock.now())
    render(home, RedisAddress.local(1))
    apply(home)
    return home
