"""What the index contains, and how the events of a compacted file are added to it.

Of links, only those that change the owner of a session are kept: files are indexed in the order of
time, and what was compacted before a file was seen before its events.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS
from feature_repo.events.log.partitions import kind_of

VERSION = 2
"""Version of the indexed content; an index of another version is rebuilt."""
DIGEST = 16
TABLES = (
    "files",
    "events",
    "requests",
    "repeats",
    "answers",
    "sessions",
    "heirs",
    "links",
    "merges",
    "corrections",
)
SCHEMA = """
create table if not exists files
    (id integer primary key, path text unique, size integer, changed integer);
create table if not exists events
    (digest blob primary key, file integer, row integer) without rowid;
create table if not exists requests
    (kind text, request_id text, seen_at integer, file integer, row integer,
     primary key (kind, request_id)) without rowid;
create table if not exists repeats
    (request_id text, file integer, row integer,
     primary key (request_id, file, row)) without rowid;
create table if not exists answers
    (request_id text, file integer, row integer,
     primary key (request_id, file, row)) without rowid;
create table if not exists sessions
    (session_id text, file integer, row integer, request_id text,
     primary key (session_id, file, row)) without rowid;
create table if not exists heirs
    (request_id text, file integer, row integer,
     primary key (request_id, file, row)) without rowid;
create table if not exists links
    (session_id text, seen_at integer, event_id text, user_id text,
     primary key (session_id, seen_at, event_id)) without rowid;
create table if not exists merges
    (from_user_id text, seen_at integer, event_id text, user_id text,
     primary key (from_user_id, seen_at, event_id)) without rowid;
create table if not exists corrections
    (corrects text, seen_at integer, event_id text, file integer, row integer,
     primary key (corrects, seen_at, event_id)) without rowid;
create index if not exists merged_into on merges (user_id);
create index if not exists linked_to on links (user_id);
"""
_EARLIEST = "insert into requests values (?, ?, ?, ?, ?) on conflict do nothing"
_LATEST = """
insert into requests values (?, ?, ?, ?, ?) on conflict do update
set seen_at = excluded.seen_at, file = excluded.file, row = excluded.row
"""
_INSERT = {"first": _EARLIEST, "last": _LATEST}
"""Inserts a row into `requests`, by the winner that a kind's lookup declares."""
_REPEATED = """
insert into repeats select :request_id, :file, :row where (:file, :row) not in
    (select file, row from requests where kind = 'ranking' and request_id = :request_id)
"""
_LINKED = """
insert or ignore into links select ?1, ?2, ?3, ?4 where not exists (
    select 1 from (
        select user_id from links where session_id = ?1 and (seen_at, event_id) < (?2, ?3)
        order by seen_at desc, event_id desc limit 1
    ) where user_id is ?4
)
"""
_LINK_COLUMNS = pa.schema(
    {"session_id": pa.string(), "seen_at": pa.int64(), "event_id": pa.string(), "user": pa.string()}
)
_LINK_ORDER = [(name, "ascending") for name in ("session_id", "seen_at", "event_id")]


def digest(event_id: str) -> bytes:
    """Return the key of an event id in the index."""
    return hashlib.blake2b(event_id.encode(), digest_size=DIGEST).digest()


def add_file(connection: sqlite3.Connection, entry: tuple[str, int, int], path: Path) -> pa.Table:
    """Index the events of a compacted file; return its links, which `add_links` adds."""
    inserted = connection.execute("insert into files (path, size, changed) values (?, ?, ?)", entry)
    file, kind = inserted.lastrowid, EVENT_KINDS[kind_of(path)]
    table = _columns(path)
    keys = sorted((digest(key), row) for row, key in enumerate(table["event_id"].to_pylist()))
    connection.executemany(
        "insert into events values (?, ?, ?) on conflict do nothing",
        ((key, file, row) for key, row in keys),
    )
    if kind.lookup is not None and kind.lookup.key == "request_id":
        _add_requests(connection, file, kind.name, kind.lookup.winner, table)
    elif "request_id" in kind.fields:
        _add_answers(connection, file, table)
    if kind.feeds_features and "session_id" in table.column_names:
        _add_sessions(connection, file, kind.name, table)
    if kind.name == "user":
        _add_merges(connection, table)
    if kind.name == "interaction":
        _add_corrections(connection, file, table)
    return _links(kind.name, table)


def add_links(connection: sqlite3.Connection, links: Iterable[pa.Table]) -> None:
    """Add the links of files that follow all indexed ones, if they change the owner."""
    table = pa.concat_tables([_LINK_COLUMNS.empty_table(), *links]).sort_by(_LINK_ORDER)
    session, user = (table[name].fill_null("").combine_chunks() for name in ("session_id", "user"))
    if len(table) > 1:
        same = pc.and_(*(pc.equal(ids[1:], ids[:-1]) for ids in (session, user)))
        table = table.filter(pa.concat_arrays([pa.array([True]), pc.invert(same)]))
    connection.executemany(_LINKED, zip(*(c.to_pylist() for c in table.columns), strict=True))


def _columns(path: Path) -> pa.Table:
    names = {
        "event_id",
        "seen_at",
        "request_id",
        "session_id",
        "user_id",
        "op",
        "from_user_id",
        "corrects",
    }
    present = [name for name in pq.read_schema(path).names if name in names]
    table = pq.read_table(path, columns=present)
    seen_at = table["seen_at"].cast(pa.int64())
    return table.set_column(present.index("seen_at"), "seen_at", seen_at)


def _add_requests(
    connection: sqlite3.Connection, file: int | None, kind: str, winner: str, table: pa.Table
) -> None:
    """Index a kind that is looked up by request id; of rankings, also each repeated one."""
    seen_at = table["seen_at"].to_pylist()
    requests = table["request_id"].to_pylist()
    connection.executemany(
        _INSERT[winner],
        (
            (kind, request_id, at, file, row)
            for row, (request_id, at) in enumerate(zip(requests, seen_at, strict=True))
        ),
    )
    if kind == "ranking":
        connection.executemany(
            _REPEATED,
            (
                {"request_id": request_id, "file": file, "row": row}
                for row, request_id in enumerate(requests)
            ),
        )


def _add_answers(connection: sqlite3.Connection, file: int | None, table: pa.Table) -> None:
    """Index events that name a request; those without a session inherit that of the request."""
    requests, sessions = table["request_id"].to_pylist(), table["session_id"].to_pylist()
    rows = [(request, file, row) for row, request in enumerate(requests) if request]
    connection.executemany("insert into answers values (?, ?, ?)", rows)
    heirs = (entry for entry in rows if sessions[entry[2]] is None)
    connection.executemany("insert into heirs values (?, ?, ?)", heirs)


def _add_sessions(
    connection: sqlite3.Connection, file: int | None, kind: str, table: pa.Table
) -> None:
    """Index events that name a session; of rankings also the request, which others inherit from."""
    sessions = table["session_id"].to_pylist()
    requests = table["request_id"].to_pylist() if kind == "ranking" else [None] * len(sessions)
    rows = sorted((session, file, n, requests[n]) for n, session in enumerate(sessions) if session)
    connection.executemany("insert into sessions values (?, ?, ?, ?)", rows)


def _add_merges(connection: sqlite3.Connection, table: pa.Table) -> None:
    if "from_user_id" in table.column_names:
        merges = table.filter(pc.is_valid(table["from_user_id"]))
        rows = merges.select(["from_user_id", "seen_at", "event_id", "user_id"])
        columns = (column.to_pylist() for column in rows.columns)
        connection.executemany("insert into merges values (?, ?, ?, ?)", zip(*columns, strict=True))


def _add_corrections(connection: sqlite3.Connection, file: int | None, table: pa.Table) -> None:
    corrects, rows = table["corrects"], pc.indices_nonzero(pc.is_valid(table["corrects"]))
    if len(rows):
        columns = [column.take(rows).to_pylist() for column in (corrects, table["seen_at"])]
        ids = table["event_id"].take(rows).to_pylist()
        connection.executemany(
            "insert into corrections values (?, ?, ?, ?, ?)",
            zip(*columns, ids, [file] * len(rows), rows.to_pylist(), strict=True),
        )


def _links(kind: str, table: pa.Table) -> pa.Table:
    """Return the links of a file's events, as `link_of` reads them."""
    if kind not in ("ranking", "interaction", "user") or "session_id" not in table.column_names:
        return _LINK_COLUMNS.empty_table()
    user, is_link = table["user_id"], pc.is_valid(table["session_id"])
    if kind == "user":
        is_link = pc.and_(is_link, pc.is_in(table["op"], value_set=pa.array(["link", "unlink"])))
        user = pc.if_else(pc.equal(table["op"], "link"), user, None)
    else:
        is_link = pc.and_(is_link, pc.is_valid(user))
    if kind == "interaction":
        is_link = pc.and_(is_link, pc.is_null(table["corrects"]))
    links = table.select(["session_id", "seen_at", "event_id"]).append_column("user", user)
    return links.filter(is_link).cast(_LINK_COLUMNS)
