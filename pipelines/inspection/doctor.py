"""Check a home, and suggest a fix for each problem.

A check is a function that yields findings.  A check that fails is itself a finding.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Literal

from feature_repo.home import (
    CLOCK_ADVICE,
    DAY,
    EXTENSION_GROUPS,
    SECOND,
    AisleError,
    Clock,
    Settings,
    installed_extensions,
    to_text,
)

State = Literal["good", "note", "bad"]

_MOST_BOTS = 10
"""Bots that are named."""

_MOST_WARNINGS, _WARNING_DAYS = 10, 7
"""Kinds of warnings that are named, and the days that they are counted for."""

_LATE_HOURS = 48
"""Two periods of the slowest view."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: good, note (works, but needs attention) or bad (does not work).
        subject: the part of the home that was checked.
        detail: the state of the subject, in words; `found` in JSON.
        fix: what to do; `cure` in JSON; empty if nothing needs to be done.
    """

    state: State
    subject: str
    detail: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "state": self.state,
            "subject": self.subject,
            "found": self.detail,
            "cure": self.fix,
        }


def examine(settings: Settings) -> list[Finding]:
    """Run every check on the home."""
    findings: list[Finding] = []
    checks = (
        _python,
        _identity,
        _keys,
        _clock,
        _shop,
        _extensions,
        _log,
        _warnings,
        _redis,
        _owner,
        _registry,
        _features,
        _artifacts,
        _contents,
        _bots,
        _ranker,
    )
    for check in checks:
        findings += _run(check, settings)
    return findings


def _run(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    subject = check.__name__.strip("_")
    try:
        return list(check(settings))
    except (AisleError, OSError) as error:
        return [Finding("bad", subject, str(error), "See the message.")]
    except Exception as error:  # Of SQLite, DuckDB or Arrow, such as on a full disk.
        detail = f"{type(error).__name__}: {error}"
        return [Finding("bad", subject, detail, "Free space on the disk, or see the message.")]


def _python(_: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        yield Finding("good", "Python", version)
    else:
        yield Finding("bad", "Python", version, "Use Python 3.11 to 3.13: `PYTHON=… make test`.")


def _identity(settings: Settings) -> Iterator[Finding]:
    if settings.home.log.exists():  # Else the home is new: the first ingest names it.
        yield Finding("good", "identity", f"project {settings.home.project}")


def _owner(settings: Settings) -> Iterator[Finding]:
    """Yield whether the keys in Redis are of this home, whose identity may be lost."""
    import redis

    from feature_repo.online.redis import claim, redis_client
    from feature_repo.online.redis import server as redis_server

    if settings.home.features.exists() and redis_server.is_alive(settings):
        address = redis_server.address_of(settings)
        with suppress(redis.RedisError), redis_client(address) as client:
            claim(client, settings.home)
            yield Finding("good", "owner", "the keys in Redis are of this home")


def _keys(settings: Settings) -> Iterator[Finding]:
    from feature_repo.home import ApiKeys

    keys = ApiKeys.load(settings.home.api_keys)
    if keys is not None:
        yield Finding("good", "API keys", f"{len(keys.keys)}")


def _clock(settings: Settings) -> Iterator[Finding]:
    if not settings.home.clock.exists():
        yield Finding("note", "clock", "not set yet", "The first ingest sets it.")
        return
    from feature_repo.events.log import EventLog

    clock = Clock.of(settings)
    behind = max(clock.behind, EventLog(settings.home, clock).seals().last - clock.now())
    moved = "the system's" if clock.offset == 0 else f"moved by {clock.offset // SECOND} s"
    detail = f"{to_text(clock.now())}, {moved}"
    if behind > SECOND:
        detail += f"; the system's clock is {behind // SECOND} s behind the newest event or seal"
        yield Finding("note", "clock", detail, CLOCK_ADVICE)
    else:
        yield Finding("good", "clock", detail)


def _shop(settings: Settings) -> Iterator[Finding]:
    from feature_repo.shop import Shop

    shop = Shop.load(settings.home.shop_toml)
    summary = (
        f"{shop.name}: {len(shop.item_fields)} item fields, {len(shop.user_fields)} user fields"
    )
    if settings.home.shop_toml.exists():
        yield Finding("good", "shop.toml", summary)
    else:
        yield Finding("note", "shop.toml", f"absent; {summary}", "Infer one: `aisle init EVENTS`.")


def _extensions(_: Settings) -> Iterator[Finding]:
    """Yield the entry points of packages, and a note for each one that Aisle does not read."""
    for group, name, package in installed_extensions():
        detail = f"{group} {name} of package {package}"
        if group in EXTENSION_GROUPS:
            yield Finding("good", "extension", detail)
        else:
            fix = f"Aisle ignores the group {group}; use one of {', '.join(EXTENSION_GROUPS)}."
            yield Finding("note", "extension", detail, fix)


def _log(settings: Settings) -> Iterator[Finding]:
    from feature_repo.events.log import EventLog

    log = EventLog(settings.home, Clock.of(settings))
    files = sum(len(log.relation_paths(kind)) for kind in ("item", "ranking", "interaction"))
    waiting = sum(1 for _ in log.unsealed())
    summary = f"{files} compacted files, {waiting} events not compacted yet"
    if files or waiting:
        yield Finding("good", "event log", summary)
    else:
        yield Finding("note", "event log", "empty", "Add events: `aisle ingest EVENTS`.")
    if log.rebuild_needed:
        yield Finding("note", "backfill", "features are not rebuilt yet", "`aisle refresh`")


def _warnings(settings: Settings) -> Iterator[Finding]:
    """Yield what was wrong with accepted events of the last days."""
    from feature_repo.events.quality import read_warnings

    counts = read_warnings(settings.home, Clock.of(settings).now(), _WARNING_DAYS)
    fix = "Correct the sender, or declare it in shop.toml (docs/events.md, Warnings)."
    for rule, number in counts.most_common(_MOST_WARNINGS):
        yield Finding("note", "warnings", f"{number:,} events of {_WARNING_DAYS} days: {rule}", fix)
    if len(counts) > _MOST_WARNINGS:
        yield Finding("note", "warnings", f"{len(counts) - _MOST_WARNINGS:,} more kinds", fix)


def _redis(settings: Settings) -> Iterator[Finding]:
    from feature_repo.online.redis import server as redis_server

    status = redis_server.status(settings)
    if not status.get("running"):
        fix = "Check REDIS_URL." if settings.redis_url else "`aisle redis start`, or `aisle serve`."
        yield Finding("bad" if settings.redis_url else "note", "Redis", "does not answer", fix)
        return
    yield Finding("good", "Redis", f"{status['version']} at {status['url']}")
    policy = status["policy"]
    if policy == "noeviction":
        yield Finding("good", "Redis policy", "noeviction")
    else:
        fix = "CONFIG SET maxmemory-policy noeviction: evicted rows read as missing features."
        yield Finding("bad", "Redis policy", str(policy), fix)


def _registry(settings: Settings) -> Iterator[Finding]:
    import sqlite3

    path = settings.home.registry
    if not path.exists():
        yield Finding("note", "registry", "absent", "`aisle refresh` applies the catalogue.")
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute("select feature_view_name from feature_views").fetchall()
            mode = database.execute("pragma journal_mode").fetchone()[0]
            ((state,),) = database.execute("pragma quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        rows, state = [], str(error)
    if state != "ok":
        fix = "Remove it if it is a folder; `aisle refresh` writes it again."
        yield Finding("bad", "registry", f"damaged: {state}", fix)
        return
    views = {row[0] for row in rows}
    from feature_repo.shop import Shop
    from feature_repo.views import views_of

    declared = {view.name for view in views_of(Shop.load(settings.home.shop_toml))}
    if declared - views:
        fix = "`aisle refresh`, or `feast apply`."
        yield Finding("bad", "registry", f"lacks {sorted(declared - views)}", fix)
    elif mode != "wal":
        fix = "Stop everything, remove registry.db, run `aisle refresh`."
        yield Finding("note", "registry", f"journal mode {mode}, expected wal", fix)
    else:
        yield Finding("good", "registry", f"{len(views)} feature views, WAL")


def _features(settings: Settings) -> Iterator[Finding]:
    import duckdb

    from feature_repo.transformations import is_current

    now = Clock.of(settings).now()
    is_stale = settings.home.features.exists() and not is_current(settings.home, now)
    for folder in sorted(path for path in settings.home.features.glob("[a-z]*") if path.is_dir()):
        files = [str(path) for path in folder.rglob("*.parquet")]
        if not files:
            continue
        rows, newest = duckdb.execute(
            """
            select count(*), epoch_us(max(event_timestamp) filter (event_timestamp <= $now))
            from read_parquet($files, union_by_name := true)
            """,
            {"files": files, "now": to_text(now)},
        ).fetchone() or (0, None)
        yield _freshness(folder.name, rows, newest, now, is_stale=is_stale)
        yield from _time_unit(folder.name, files)
    if not settings.home.features.exists():
        yield Finding("note", "features", "none", "`aisle refresh` computes them.")


def _freshness(view: str, rows: int, newest: int | None, now: int, *, is_stale: bool) -> Finding:
    """Return the age of a view's newest row; it is late only if the log has newer events."""
    if newest is None:
        return Finding("note", view, "no rows", "The log has no event about this entity.")
    hours = (now - newest) / SECOND / 3600
    summary = f"{rows} rows, newest {to_text(newest)[:19]}Z, {hours:.1f} h ago"
    if is_stale and hours > _LATE_HOURS:
        return Finding("note", view, summary, "`aisle refresh --every 10m` keeps features fresh.")
    return Finding("good", view, summary)


def _time_unit(view: str, files: list[str]) -> Iterator[Finding]:
    import pyarrow.parquet as pq

    for file in files:
        unit = str(pq.read_schema(file).field("event_timestamp").type)
        if unit != "timestamp[us, tz=UTC]":
            fix = "Remove the folder `features` of the home and run `aisle refresh`."
            yield Finding("bad", f"{view} time unit", f"{unit} in {file}", fix)


def _artifacts(settings: Settings) -> Iterator[Finding]:
    from training.artifacts import RANKER, verify

    links = sorted(settings.home.current.glob("*/*"))
    if not links:
        yield Finding("note", "artifacts", "none published", "`aisle refresh` publishes indexes.")
    for link in links:
        name = f"{link.parent.name} {link.name}"
        try:
            manifest = verify(link, link.parent.name, link.name)
        except AisleError as error:
            verb = "train" if link.parent.name == RANKER else "index"
            yield Finding("bad", name, str(error), f"`aisle {verb}` publishes a new one.")
        else:
            yield Finding(
                "good", name, f"{link.resolve().name}, {len(manifest.files)} files verified"
            )


def _contents(settings: Settings) -> Iterator[Finding]:
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
    import duckdb

    from feature_repo.events.log import EventLog

    log = EventLog(settings.home, Clock.of(settings))
    counts = []
    for kind, what in (("item", "item_id"), ("interaction", "item_id"), ("interaction", "user_id")):
        paths = [str(path) for path in log.relation_paths(kind)]
        sql = f"select count({what}) from read_parquet($paths)"
        row = duckdb.execute(sql, {"paths": paths}).fetchone() if paths else None
        counts.append(row[0] if row else 0)
    items, interactions, identified = counts
    return items, interactions, identified


def _bots(settings: Settings) -> Iterator[Finding]:
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


def _ranker(settings: Settings) -> Iterator[Finding]:
    """Yield what is missing to learn a ranker, where none is published."""
    from training.artifacts import RANKER, is_published
    from training.dataset import missing_for_ranker

    if is_published(settings.home, RANKER):
        return
    missing = missing_for_ranker(settings.home)
    if missing:
        fix = (
            "Send shown slates as `ranking` events, and interactions that name them; or purchases "
            "of users who buy again."
        )
        yield Finding("note", "ranker", "; ".join(map(str, missing)), fix)
    else:
        fix = "`aisle train` learns one, and publishes it if it is better."
        yield Finding("note", "ranker", "enough events to learn one", fix)
