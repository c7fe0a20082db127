"""Checks of the event log: what it has, what was wrong with events, and bots."""

from collections.abc import Iterator

from feature_repo.home import DAY, Clock, Settings, to_text
from pipelines.doctor.finding import Finding

_MOST_BOTS = 10
"""Bots that are named."""

_MOST_WARNINGS, _WARNING_DAYS = 10, 7
"""Kinds of warnings that are named, and the days that they are counted for."""


def check_log(settings: Settings) -> Iterator[Finding]:
    """Yield the size of the log."""
    from feature_repo.events.log import EventLog

    log = EventLog(settings.home, Clock.of(settings))
    files = sum(len(log.relation_paths(kind)) for kind in ("item", "ranking", "interaction"))
    waiting = log.segment_lines
    summary = f"{files} compacted files, {waiting} lines not compacted yet"
    if files or waiting:
        yield Finding("good", "event log", summary)
    else:
        yield Finding("note", "event log", "empty", "Add events: `aisle ingest EVENTS`.")
    if log.rebuild_needed:
        yield Finding("note", "backfill", "features are not rebuilt yet", "`aisle refresh`")


def check_warnings(settings: Settings) -> Iterator[Finding]:
    """Yield what was wrong with accepted events of the last days."""
    from feature_repo.events.quality import read_warnings

    counts = read_warnings(settings.home, Clock.of(settings).now(), _WARNING_DAYS)
    fix = "Correct the sender, or declare it in shop.toml (docs/events.md, Warnings)."
    for rule, number in counts.most_common(_MOST_WARNINGS):
        yield Finding("note", "warnings", f"{number:,} events of {_WARNING_DAYS} days: {rule}", fix)
    if len(counts) > _MOST_WARNINGS:
        yield Finding("note", "warnings", f"{len(counts) - _MOST_WARNINGS:,} more kinds", fix)


def check_contents(settings: Settings) -> Iterator[Finding]:
    """Yield what the log has, and which answers need more."""
    from feature_repo.shop import Shop

    items, interactions, identified = _counts(settings)
    if not items:
        fix = "Send `item` events: until then items have no texts, filters and facets."
        yield Finding("note", "items", "no item events", fix)
    elif Shop.load(settings.home.shop_toml).item_role("title") is None:
        fix = 'Give a field of shop.toml `role = "title"`: until then no search by words.'
        yield Finding("note", "items", f"{items} item events, no title", fix)
    else:
        yield Finding("good", "items", f"{items} item events")
    if not interactions:
        fix = "Send `interaction` events: until then lists have the newest items."
        yield Finding("note", "interactions", "none", fix)
    elif not identified:
        fix = "Send their `user_id`: until then lists are the same for all shoppers."
        yield Finding("note", "interactions", f"{interactions}, of no user", fix)
    else:
        yield Finding("good", "interactions", f"{interactions}, {identified} of a user")


def _counts(settings: Settings) -> tuple[int, int, int]:
    """Return the numbers of item events, of interactions, and of those with a user."""
    from feature_repo.events.log import list_relations
    from feature_repo.offline.parquet import count_rows, count_values

    log = settings.home.log / "compacted"
    interactions = list_relations(log, "interaction")
    items = count_rows(list_relations(log, "item"))
    return items, count_rows(interactions), count_values(interactions, "user_id")


def check_bots(settings: Settings) -> Iterator[Finding]:
    """Yield the users and sessions with more events on a day than the shop allows."""
    from feature_repo.events.log import find_bots
    from feature_repo.shop import Shop

    rule = Shop.load(settings.home.shop_toml).bots
    bots = find_bots(settings.home.log, rule.events_per_day)
    if rule.count:
        fix = "Leave their events out of popularity and training: `count = false` in [bots]."
    else:
        fix = "Their events of these days are left out of popularity and training."
    for bot in bots.slice(0, _MOST_BOTS).to_pylist():
        day = to_text(bot["day"] * DAY)[:10]
        detail = f"{bot['entity']} {bot['id']}: {bot['events']:,} events on {day}"
        yield Finding("note", "bots", f"{detail}, more than {rule.events_per_day:,}", fix)
    if bots.num_rows > _MOST_BOTS:
        yield Finding("note", "bots", f"{bots.num_rows - _MOST_BOTS:,} more", fix)
    if not bots.num_rows:
        yield Finding("good", "bots", f"none above {rule.events_per_day:,} events a day")
