"""What is known of one entity: since when, from which events, offline beside online."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import DEFAULT_MARKET, query_key
from feature_repo.events.log import list_relations
from feature_repo.home import Home, SettingError, to_datetime, to_text
from feature_repo.online.hydration import OnlineReader
from feature_repo.request_features.context import RequestContext

NEWEST = 10
"""Events told at most."""

_CONCERNS = {
    "item": {"item": "item_id = $id", "interaction": "item_id = $id",
             "ranking": "list_contains(list_transform(items, lambda shown: shown.item_id), $id)"},
    "user": {"user": "user_id = $id", "interaction": "user_id = $id", "ranking": "user_id = $id"},
    "query": {"ranking": "query_key = $id"},
    "market": {"ranking": "market = $id"},
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Of whom something is known: a kind of entity, and its key."""

    kind: str
    key: str

    @classmethod
    def of(cls, words: str) -> "Subject":
        """Read `user:42`; a query is given by its text.

        Raises:
            SettingError: not of that form.
        """
        kind, colon, name = words.partition(":")
        if kind not in _CONCERNS or not colon or not name:
            raise SettingError(
                f"Expected such as user:42, of {', '.join(_CONCERNS)}; found {words!r}."
            )
        key = query_key(name, DEFAULT_MARKET) if kind == "query" else name
        if key is None:
            raise SettingError("A blank text is no query.")
        return cls(kind, key)


def offline(home: Home, subject: Subject, t: int) -> list[dict[str, Any]]:
    """Each feature of the newest rows that a request at t may use, and since when it holds."""
    found = []
    for view in Catalogue.of(home).views:
        if view.entities != [subject.kind]:
            continue
        row = _newest(home.features / view.name, view.join_keys[0], subject.key, t)
        since = row["event_timestamp"].isoformat() if row else None
        found += [
            {"feature": f"{view.name}__{f.name}", "value": row and row[f.name], "since": since}
            for f in view.features
            if f.tags.get("role") != "bookkeeping"
        ]
    return found


def online(reader: OnlineReader, subject: Subject, t: int) -> dict[str, Any]:
    """What a request of now reads of the subject, by full feature name."""
    named = {subject.kind: subject.key}
    facts = reader.read(
        user_id=named.get("user"),
        query_key=named.get("query"),
        item_ids=[named["item"]] if "item" in named else [],
        market=named.get("market", DEFAULT_MARKET),
        t=t,
    )
    return _of(facts, subject.kind)


def events(home: Home, subject: Subject, t: int) -> list[dict[str, Any]]:
    """The newest compacted events about the subject that a request at t may know, newest first."""
    found: list[dict[str, Any]] = []
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        for kind, concerns in _CONCERNS[subject.kind].items():
            paths = [str(path) for path in list_relations(home.log / "compacted", kind)]
            if paths:
                rows = db.execute(
                    f"select event_id, epoch_us(seen_at) from read_parquet($paths) "
                    f"where {concerns} and seen_at < $t "
                    f"order by seen_at desc, event_id desc limit {NEWEST}",
                    {"paths": paths, "id": subject.key, "t": to_datetime(t)},
                ).fetchall()
                found += [{"kind": kind, "event": name, "seen_at": at} for name, at in rows]
    newest = sorted(found, key=lambda event: (event["seen_at"], event["event"]), reverse=True)
    return [event | {"seen_at": to_text(event["seen_at"])} for event in newest[:NEWEST]]


def _newest(folder: Path, column: str, key: str, t: int) -> dict[str, Any] | None:
    paths = [str(path) for path in folder.glob("*.parquet")]
    if not paths:
        return None
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        found = db.execute(
            f"from read_parquet($paths) where {column} = $key and event_timestamp <= $t "
            "order by event_timestamp desc limit 1",
            {"paths": paths, "key": key, "t": to_datetime(t)},
        )
        names = [about[0] for about in found.description or ()]
        row = found.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _of(facts: RequestContext, kind: str) -> dict[str, Any]:
    if kind == "item":
        return {name: _plain(values[0]) for name, values in facts.items.items()}
    rows = {"user": facts.user, "query": facts.query_row, "market": facts.market_row}
    return {name: _plain(value) for name, value in rows[kind].items()}


def _plain(value: Any) -> Any:
    """As JSON has it: what is missing is null, a whole number has no point."""
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if not isinstance(plain, float):
        return plain
    if math.isnan(plain):
        return None
    return int(plain) if isinstance(value, np.floating) and plain.is_integer() else plain
