"""The functions of the steps that bring events into features, and features to the service."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from feature_repo.home import Clock, Home, SettingError, Settings, exclusive, to_text
from pipelines.declarations import Report
from pipelines.steps.feature_update import feature_update
from pipelines.steps.retention import remove_unneeded


def ingest_events(home: Path, *, events: Sequence[str] = (), late: str = "refuse") -> Report:
    """Add event files to the log, if any are given; seal the log and compact it.

    Events that the service received count as well: this seal is what the features then contain.
    """
    from feature_repo.events.log import EventLog

    settings = replace(Settings.from_environment(), home=Home(home))
    clock, ingested = Clock.of(settings), {}
    with exclusive(settings.home, "an ingest", wait=True):
        if events:
            ingested = _ingested(settings.home, clock, [Path(path) for path in events], late)
        log = EventLog(settings.home, clock)
        sealed_at, compacted = log.seal(), log.compact()
    return {"sealed_at": to_text(sealed_at), "compacted": compacted.compacted, **ingested}


def transform_features(home: Path, *, now: int | None = None) -> Report:
    """Compute the feature rows of every view from the compacted log."""
    from feature_repo.transformations import transform

    folder = Home(home)
    with exclusive(folder, "a transform", wait=True):
        until = Clock.of(Settings(home=folder)).now() if now is None else now
        return transform(folder, until).to_dict()


def apply_catalogue(home: Path) -> Report:
    """Register the feature views and services of the catalogue in the Feast registry."""
    from feature_repo.feast_repo import registered_views

    with feature_update(home, "an apply") as update:
        update.apply()
    return {"views": sorted(registered_views(Home(home)))}


def materialize_features(home: Path, *, full: bool = False) -> Report:
    """Load the new feature rows into Redis, and remove from the live state what they contain."""
    with feature_update(home, "a load") as update:
        loaded = update.load(full=full)
    return {
        "sealed_at": to_text(loaded.sealed_at),
        "rebuilt": loaded.rebuilt,
        "loaded": list(loaded.loaded),
    }


def clean_home(home: Path) -> Report:
    """Complete pending erasures of users, and remove old files that nothing uses."""
    with feature_update(home, "an erasure") as update:
        erased = update.erase()
    settings = replace(Settings.from_environment(), home=Home(home))
    return {"erased": erased, "removed": remove_unneeded(settings).counts()}


def check_freshness(home: Path) -> Report:
    """Check that Redis has the newest feature rows, and report the age of each view."""
    from pipelines.steps.freshness import freshness

    with feature_update(home, "a check of freshness") as update:
        return freshness(update)


def _ingested(home: Home, clock: Clock, paths: Sequence[Path], late: str) -> Report:
    from feature_repo.events.ingest import Mode, ingest

    if late not in get_args(Mode):
        raise SettingError(f"late: expected {', '.join(get_args(Mode))}, found {late!r}.")
    report = ingest(paths, home=home, clock=clock, mode=cast("Mode", late)).to_dict()
    names = ("read", "accepted", "duplicate", "quarantined", "warned", "late")
    return {name: report[name] for name in names}
