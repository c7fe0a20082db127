"""The Feast repository of a home: its rendered files, its registry, its loads into Redis.

`feature_store.yaml` has the settings of one home, with absolute paths: Feast resolves relative ones
against the working directory.  The registry is SQLite in WAL mode, so readers never see a partial
write.  `python -m feature_repo.feast_repo.repository` renders the files of the home in the
environment.
"""

import hashlib
import io
import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from feature_repo.events.log import read_seals
from feature_repo.home import (
    DAY,
    Home,
    RedisError,
    SettingError,
    Settings,
    replacing,
    restrict_permissions,
    to_datetime,
)
from feature_repo.library_internals import batch_engine, forget_versions, online_store, redis_client

if TYPE_CHECKING:
    from feast import FeatureStore

    from feature_repo.online.redis import RedisAddress

_logger = logging.getLogger(__name__)

BATCH_TIMEOUT_SECONDS = 10.0
"""For commands and loads: a pipeline of thousands of writes takes long to answer."""

CONNECT_TIMEOUT_SECONDS = 1.0

Announce = Callable[[str], None]

_TEMPLATE = Path(__file__).parent / "feature_store.yaml.in"
_DEFINITIONS = '''"""The feature catalogue of this home, as `feast` reads it; written by Aisle."""

from pathlib import Path

from feature_repo.catalogue import Catalogue
from feature_repo.home.home import Home

globals().update(Catalogue.of(Home(Path(__file__).resolve().parents[1])).objects())
'''


def render(home: Home, address: "RedisAddress") -> Path:
    """Write the home's `feature_store.yaml`, and `definitions.py` if it is not the default home.

    Args:
        home: owns the repository.
        address: of the home's server.

    Returns:
        The repository's folder.

    Raises:
        SettingError: the URL's parts cannot be written in Feast's connection string.
    """
    home.feast.mkdir(parents=True, exist_ok=True)
    _create_registry(home.registry.absolute())
    text = Template(_TEMPLATE.read_text()).substitute(
        project=json.dumps(home.project),
        registry=json.dumps(f"sqlite:///{home.registry.absolute()}", ensure_ascii=False),
        redis=json.dumps(connection_string(address)),
        home=json.dumps(str(home.root.absolute()), ensure_ascii=False),
    )
    _write(home.feast / "feature_store.yaml", text)
    if not home.is_default:
        _write(home.feast / "definitions.py", _DEFINITIONS)
    return home.feast


def connection_string(
    address: "RedisAddress", *, timeout_seconds: float = BATCH_TIMEOUT_SECONDS
) -> str:
    """Return the address in the form of Feast's Redis store, with timeouts and without retries.

    >>> from feature_repo.online.redis import RedisAddress
    >>> connection_string(RedisAddress.parse("redis://[::1]/2"))
    '[::1]:6379,db=2,socket_timeout=10.0,socket_connect_timeout=1.0,retry=null'

    Raises:
        SettingError: a part of the URL contains a comma.
    """
    options = {
        **address.options,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": min(timeout_seconds, CONNECT_TIMEOUT_SECONDS),
        "retry": None,
    }
    host = f"[{address.host}]" if ":" in address.host else address.host
    words = [f"{host}:{address.port}", *(f"{n}={json.dumps(v)}" for n, v in options.items())]
    if wrong := [word.partition("=")[0] for word in words if "," in word]:
        raise SettingError(
            f"REDIS_URL: Feast cannot use a comma, which {', '.join(wrong)} contains; choose "
            "another value."
        )
    return ",".join(words)


def open_store(home: Home, *, timeout_seconds: float | None = None) -> "FeatureStore":
    """Open the home's feature store; call `render` once before.

    Args:
        home: owns the store.
        timeout_seconds: how long a read may wait for Redis, instead of the store's own deadline.
    """
    from feast import FeatureStore
    from feast.repo_config import load_repo_config

    config = load_repo_config(home.feast, home.feast / "feature_store.yaml")
    if timeout_seconds is not None:
        config.online_store.deadline_seconds = timeout_seconds
    return FeatureStore(config=config)


def apply(home: Home) -> "FeatureStore":
    """Register the home's catalogue, and remove stale objects from the registry.

    A damaged registry is set aside and written again.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from sqlalchemy.exc import DatabaseError

    try:
        return _apply(home)
    except (DecodeError, DatabaseError) as error:
        # Others are of a locked database, a full disk or a broken rule; bad text has no code.
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
        if code not in (None, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        _replace_registry(home.registry.absolute(), error)
        return _apply(home)


def _apply(home: Home) -> "FeatureStore":
    from feature_repo.catalogue import Catalogue

    store = open_store(home)
    objects = Catalogue.of(home).objects()
    if not store.list_feature_views():
        forget_versions(store.config)
    stale = [
        registered
        for registered in (*store.list_feature_services(), *store.list_feature_views())
        if registered.name not in objects
    ]
    store.apply(list(objects.values()), objects_to_delete=stale, partial=not stale)
    return store


def materialize(
    home: Home, end: int, *, full: bool = False, announce: Announce = lambda _: None
) -> int:
    """Load Redis with the newest row of every entity; call `apply` before.

    The first load starts at the log's first day, a later one where the last one ended.  Redis
    stores that instant with the rows, so that an emptied server gets a full load.  A load ends at
    the last seal: a row stamped after it may still change.

    Args:
        home: owns the rows; the caller holds its lock.
        end: load rows up to this instant; rows after the last seal wait for the next load.
        full: load all rows again, as after a rebuild.
        announce: called with a line for each view: rows, bytes, and rows a second.

    Returns:
        The end of the loaded rows, an instant.

    Raises:
        CatalogueError: no view is registered.
        RedisError: the server does not answer, or refuses; or another home has the keys.
    """
    import redis

    from feature_repo.online.redis import claim

    store = open_store(home)
    end = min(end, read_seals(home.log / "seals").last + 1)
    mark = f"{home.project}:loaded:{_schema_hash(store)}"
    try:
        with redis_client(store.config.online_store) as client:
            claim(client, home)
            loaded = None if full else client.get(mark)
            start = _first_day(home) if loaded is None else int(loaded)
            if start < end:
                _load(store, start, end, announce)
                client.set(mark, end)
            client.set(loaded_key(home), end)
            return max(start, end)
    except redis.RedisError as error:
        raise RedisError(
            f"Redis does not answer ({error}), so nothing was loaded; start it, then load again."
        ) from error


def clear_online(home: Home) -> None:
    """Delete the online rows of every view of the home, before a full load.

    Raises:
        RedisError: another home has the keys.
        redis.RedisError: the server does not answer.
    """
    from feature_repo.online.redis import claim

    store = open_store(home)
    online = online_store(store)
    with redis_client(store.config.online_store) as client:
        claim(client, home)
        online.clear(store.config, store.list_feature_views())
        for mark in [loaded_key(home), *client.scan_iter(f"{home.project}:loaded:*")]:
            client.delete(mark)


def loaded_key(home: Home) -> str:
    """Return the Redis key that marks the rows as loaded; it is lost together with them."""
    return f"{home.project}:loaded"


def refreshed_key(home: Home) -> str:
    """Return the Redis key of the last seal that was loaded, and pruned from the live state.

    `clear_online` deletes it, as all marks of loads.
    """
    return f"{home.project}:loaded:refresh"


def registered_views(home: Home) -> set[str]:
    """Return the names of the feature views in the registry, without importing Feast.

    A registry that is damaged, or empty because it was, has none: `apply` writes it again.
    """
    if not home.registry.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"file:{home.registry}?mode=ro", uri=True)) as database:
            names = database.execute("select feature_view_name from feature_views").fetchall()
    except sqlite3.DatabaseError:
        return set()
    return {name for (name,) in names}


def _load(store: "FeatureStore", start: int, end: int, announce: Announce) -> None:
    """Materialize without Feast's output; the caller shows progress."""
    batch_engine(store).announce = announce
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        store.materialize(to_datetime(start), to_datetime(end))


def _first_day(home: Home) -> int:
    """The start of the log's first day; 0 for an empty log."""
    days = [path.name.removeprefix("day=") for path in home.log.glob("compacted/*/day=*")]
    return (date.fromisoformat(min(days)) - date(1970, 1, 1)).days * DAY if days else 0


def _schema_hash(store: "FeatureStore") -> str:
    """A hash of the views and the format; Redis must have been loaded for the same one."""
    from feature_repo.online.codec import VERSION, counter_tiles

    views = sorted(store.list_feature_views(), key=lambda view: str(view.name))
    schema = [(v.name, [(f.name, str(f.dtype)) for f in v.features]) for v in views]
    return hashlib.sha256(
        json.dumps(
            [store.config.online_store.type, VERSION, counter_tiles.VERSION, schema]
        ).encode()
    ).hexdigest()[:16]


def _create_registry(path: Path) -> None:
    """Create the registry's database unless it exists and is sound.

    Raises:
        SettingError: a folder has its name.
    """
    if path.is_dir():
        raise SettingError(
            f"{path}: expected the registry, found a folder; remove it and run `aisle refresh`, "
            "which writes the registry again."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            database.execute("pragma journal_mode = wal")
            ((state,),) = database.execute("pragma quick_check(1)").fetchall()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        _replace_registry(path, error)
    else:
        if state != "ok":
            _replace_registry(path, state)


def _replace_registry(path: Path, reason: object) -> None:
    """Set a damaged registry aside, and create an empty one: `apply` writes its content again."""
    _logger.warning("the registry %s is damaged (%s) and is written again", path, reason)
    path.replace(path.with_name(f"{path.name}.damaged"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.execute("pragma journal_mode = wal")


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, readable only by its owner: it may contain a password."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text)


def main() -> None:
    """Render the files of the home in the environment."""
    from feature_repo.online.redis import running_redis

    settings = Settings.from_environment()
    restrict_permissions(settings.home)
    with running_redis(settings) as address:
        render(settings.home, address)


if __name__ == "__main__":
    main()
