"""The features of one entity, offline and online, and the events that they come from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from feature_repo.events.contract import DEFAULT_MARKET, query_key
from feature_repo.events.log import list_relations
from feature_repo.home import Home, SettingError, to_datetime, to_text
from feature_repo.offline.parquet import count_rows
from feature_repo.online.hydration import OnlineReader
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from feature_repo.views import views_of
from pipelines.inspection.database import reading

NEWEST = 10
"""Events that are listed at most."""

SEARCHED_SLATES = 50_000
"""Newest slates in which an item is looked for; those of the day of the oldest one too."""

_CONDITIONS = {
    "item": {
        "item": "item_id = $id",
        "interaction": "item_id = $id",
        "ranking": "list_contains(list_transform(items, lambda shown: shown.item_id), $id)",
    },
    "user": {"user": "user_id = $id", "interaction": "user_id = $id", "ranking": "user_id = $id"},
    "session": {
        "user": "session_id = $id",
        "interaction": "session_id = $id",
        "ranking": "session_id = $id",
    },
    "query": {"ranking": "query_key = $id"},
    "market": {"ranking": "market = $id"},
    "arm": {"interaction": "json_extract_string(decision, '$.arm_key') = $id"},
}
"""Kind of entity -> kind of event -> SQL condition of the events about an entity."""


_BY = "concat_ws(' ', '', 'by user ' || user_id, 'in session ' || session_id)"
_WORDS = {
    "item": "op || ' of item ' || item_id",
    "user": "op || ' of user ' || user_id",
    "interaction": f"type || ' of item ' || item_id || {_BY}",
    "ranking": "len(items) || ' items shown' || coalesce(' for \"' || query || '\"', '') || " + _BY,
}
"""Kind of event -> SQL expression of what happened, in words."""


@dataclass(frozen=True)
class Subject:
    """An entity: its kind and its key."""

    kind: str
    key: str

    @classmethod
    def of(cls, words: str) -> "Subject":
        """Read a text such as `user:42`; a query is named by its text.

        Raises:
            SettingError: the text has another form.
        """
        kind, colon, name = words.partition(":")
        if kind not in _CONDITIONS or not colon or not name:
            raise SettingError(
                f"Expected an entity such as user:42, of {', '.join(_CONDITIONS)}; found {words!r}."
            )
        key = query_key(name, DEFAULT_MARKET) if kind == "query" else name
        if key is None:
            raise SettingError("Expected the text of a query, found a blank one.")
        return cls(kind, key)


def offline(home: Home, subject: Subject, t: int) -> list[dict[str, Any]]:
    """Return each feature of the newest rows that a request at t may use, and since when."""
    shop = Shop.load(home.shop_toml)
    features = []
    with reading() as db:
        for view in views_of(shop):
            if view.entity != subject.kind:
                continue
            row = _newest(db, home.features / view.name, view.key, subject.key, t)
            since = row["event_timestamp"].isoformat() if row else None
            features += [
                {
                    "feature": f"{view.name}__{field.name}",
                    "value": row and row[field.name],
                    "since": since,
                    "view": view.description,
                    "description": field.description,
                    "unit": field.unit,
                }
                for field in view.fields_of(shop)
            ]
    return features


def online(reader: OnlineReader, subject: Subject, t: int) -> dict[str, Any]:
    """Return the features that a request at t reads online, by full name."""
    keys = {subject.kind: subject.key}
    facts = reader.read(
        user_id=keys.get("user"),
        session_id=keys.get("session"),
        query_key=keys.get("query"),
        item_ids=[keys["item"]] if "item" in keys else [],
        market=keys.get("market", DEFAULT_MARKET),
        t=t,
    )
    return _of(facts, subject.kind)


def events(home: Home, subject: Subject, t: int) -> list[dict[str, Any]]:
    """Return the newest compacted events about the subject before t, in words, newest first.

    Files are read from the newest day on until there are enough events.  Slates that have an item
    are looked for in the newest ones, `SEARCHED_SLATES`, because their lists take long to read.
    """
    rows: list[dict[str, Any]] = []
    with reading() as db:
        for kind in _CONDITIONS[subject.kind]:
            rows += _newest_events(db, home, kind, subject, t)
    newest = sorted(rows, key=lambda event: (event["seen_at"], event["event"]), reverse=True)
    return [event | {"seen_at": to_text(event["seen_at"])} for event in newest[:NEWEST]]


def _newest_events(
    db: duckdb.DuckDBPyConnection, home: Home, kind: str, subject: Subject, t: int
) -> list[dict[str, Any]]:
    """Return the newest events of a kind about the subject before t."""
    is_shown = (subject.kind, kind) == ("item", "ranking")
    left = SEARCHED_SLATES if is_shown else None
    rows: list[dict[str, Any]] = []
    for files in _batches(list_relations(home.log / "compacted", kind)[::-1]):
        matches = db.execute(
            f"select event_id, epoch_us(seen_at), {_WORDS[kind]} from read_parquet($paths) "
            f"where {_CONDITIONS[subject.kind][kind]} and seen_at < $t "
            f"order by seen_at desc, event_id desc limit {NEWEST}",
            {"paths": [str(path) for path in files], "id": subject.key, "t": to_datetime(t)},
        ).fetchall()
        rows += [
            {"kind": kind, "event": name, "seen_at": at, "what": what} for name, at, what in matches
        ]
        left = None if left is None else left - count_rows(files)
        if len(rows) >= NEWEST or (left is not None and left <= 0):
            break
    return rows


def _batches(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Yield files in batches of whole days, each of twice as many days as the one before."""
    days = [list(files) for _, files in groupby(paths, key=lambda path: path.parent.name)]
    start, size = 0, 1
    while start < len(days):
        yield [path for files in days[start : start + size] for path in files]
        start, size = start + size, 2 * size


def _newest(
    db: duckdb.DuckDBPyConnection, folder: Path, column: str, key: str, t: int
) -> dict[str, Any] | None:
    paths = [str(path) for path in folder.glob("*.parquet")]
    if not paths:
        return None
    result = db.execute(
        f"from read_parquet($paths) where {column} = $key and event_timestamp <= $t "
        "order by event_timestamp desc limit 1",
        {"paths": paths, "key": key, "t": to_datetime(t)},
    )
    names = [about[0] for about in result.description or ()]
    row = result.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _of(facts: RequestContext, kind: str) -> dict[str, Any]:
    if kind == "item":
        return {name: _plain(values[0]) for name, values in facts.items.items()}
    rows = {
        "user": facts.user,
        "session": facts.session,
        "query": facts.query_row,
        "market": facts.market_row,
        "arm": {},  # No request reads an arm's counts as features: `aisle bandit show` has them.
    }
    return {name: _plain(value) for name, value in rows[kind].items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: null if missing, whole numbers without a point."""
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if not isinstance(plain, float):
        return plain
    if math.isnan(plain):
        return None
    return int(plain) if isinstance(value, np.floating) and plain.is_integer() else plain
