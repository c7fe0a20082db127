"""Checks of Redis, the registry, the feature rows and the artifacts."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from feature_repo.home import SECOND, AisleError, Clock, Settings, to_text
from pipelines.doctor.finding import Finding

_LATE_HOURS = 48
"""Two periods of the slowest view."""


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Yield whether Redis answers, and whether it may remove rows."""
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


def check_owner(settings: Settings) -> Iterator[Finding]:
    """Yield whether the keys in Redis are of this home, whose identity may be lost."""
    import redis

    from feature_repo.online.redis import claim, redis_client
    from feature_repo.online.redis import server as redis_server

    if settings.home.features.exists() and redis_server.is_alive(settings):
        address = redis_server.address_of(settings)
        with suppress(redis.RedisError), redis_client(address) as client:
            claim(client, settings.home)
            yield Finding("good", "owner", "the keys in Redis are of this home")


def check_registry(settings: Settings) -> Iterator[Finding]:
    """Yield whether the registry is sound and has all views."""
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


def check_features(settings: Settings) -> Iterator[Finding]:
    """Yield the number and the age of the rows of each view."""
    from feature_repo.offline.parquet import count_rows, newest_time
    from feature_repo.transformations import is_current

    now = Clock.of(settings).now()
    is_stale = settings.home.features.exists() and not is_current(settings.home, now)
    for folder in sorted(path for path in settings.home.features.glob("[a-z]*") if path.is_dir()):
        files = sorted(folder.rglob("*.parquet"))
        if not files:
            continue
        newest = newest_time(files, now)
        yield _freshness(folder.name, count_rows(files), newest, now, is_stale=is_stale)
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


def _time_unit(view: str, files: list[Path]) -> Iterator[Finding]:
    import pyarrow.parquet as pq

    for file in files:
        unit = str(pq.read_schema(file).field("event_timestamp").type)
        if unit != "timestamp[us, tz=UTC]":
            fix = "Remove the folder `features` of the home and run `aisle refresh`."
            yield Finding("bad", f"{view} time unit", f"{unit} in {file}", fix)


def check_artifacts(settings: Settings) -> Iterator[Finding]:
    """Yield whether the files of the artifacts in use are those that were published."""
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


def check_ranker(settings: Settings) -> Iterator[Finding]:
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
