"""What the index contains, and how the events of a compacted file are added to it.

Of links, only those that change the owner of a session are kept: files are indexed in the order of
time, and what was compacted before a file was seen before its events.

A session or request has many events, often in one file: one entry has all its rows of a file.
Ids are stored as digests, in buckets of the same first bits: one entry has the digests of a bucket
that were indexed together, with their positions.
"""

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.events.contract import EVENT_KINDS
from feature_repo.events.log.partitions import kind_of, read_columns

VERSION = 4
"""Version of the indexed content; an index of another version is rebuilt."""
DIGEST = 16
TABLES = (
    "files",
    "events",
    "requests",
    "repeats",
    "answers",
    "sessions",
    "asked",
    "heirs",
    "links",
    "merges",
    "corrections",
)
SCHEMA = """
create table if not exists files
    (id integer primary key, path text unique, size integer, changed integer);
create table if not exists events
    (bucket integer, batch integer, entries blob, primary key (bucket, batch)) without rowid;
create table if not exists requests
    (kind text, request_id text, seen_at integer, file integer, row integer,
     primary key (kind, request_id)) without rowid;
create table if not exists repeats
    (request_id text, file integer, row integer,
     primary key (request_id, file, row)) without rowid;
create table if not exists answers
    (request_id text, file integer, rows blob, primary key (request_id, file)) without rowid;
create table if not exists sessions
    (session_id text, file integer, rows blob, primary key (session_id, file)) without rowid;
create table if not exists asked
    (session_id text, request_id text, primary key (session_id, request_id)) without rowid;
create table if not exists heirs
    (request_id text, file integer, rows blob, primary key (request_id, file)) without rowid;
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
_TOGETHER = 200_000
"""Rows of one kind that are indexed together; each takes some 500 bytes meanwhile."""
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

INDEXED = frozenset(
    {
        *("event_id", "seen_at", "request_id", "session_id", "user_id"),
        *("op", "from_user_id", "corrects"),
    }
)
"""Names of the columns that are indexed."""
_POSITION = ("file", "row")
_ROW = np.dtype("<u4")
_EVENT = np.dtype([("digest", f"V{DIGEST}"), *((name, _ROW) for name in _POSITION)])
_BUCKET_BITS = 14
"""Each of 16,384 buckets has some 60 digests, in 1.5 KB, after a million events."""

Entry = tuple[str, int, int]
"""Path of a compacted file, relative to their folder, its size and when it changed."""


def digest(event_id: str) -> bytes:
    """Return the key of an event id in the index."""
    return hashlib.blake2b(event_id.encode(), digest_size=DIGEST).digest()


def add_files(
    connection: sqlite3.Connection, files: Mapping[Entry, Path], columns: Mapping[Path, pa.Table]
) -> None:
    """Index the events of compacted files, which follow all indexed ones, in their order.

    Args:
        connection: to the index.
        files: in their order.
        columns: `indexed_columns` of some of the files; the others are read.
    """
    tables: dict[str, list[pa.Table]] = defaultdict(list)
    links = []
    for entry, path in files.items():
        inserted = connection.execute(
            "insert into files (path, size, changed) values (?, ?, ?)", entry
        )
        of_kind = tables[kind_of(path)]
        table = columns[path] if path in columns else _read_columns(path)
        of_kind.append(_with_position(table, inserted.lastrowid))
        if sum(map(len, of_kind)) >= _TOGETHER:
            links.append(_add_kind(connection, kind_of(path), of_kind))
            of_kind.clear()
    links += [_add_kind(connection, name, rest) for name, rest in tables.items() if rest]
    _add_links(connection, links)


def _add_kind(connection: sqlite3.Connection, name: str, tables: Sequence[pa.Table]) -> pa.Table:
    """Index files of one kind, except their links, which are returned."""
    kind = EVENT_KINDS[name]
    table = pa.concat_tables(tables, promote_options="default").combine_chunks()
    _add_events(connection, table)
    if kind.lookup is not None and kind.lookup.key == "request_id":
        _add_requests(connection, name, kind.lookup.winner, table)
    elif "request_id" in kind.fields:
        _add_answers(connection, table)
    if kind.feeds_features and "session_id" in table.column_names:
        _add_sessions(connection, name, table)
    if name == "user":
        _add_merges(connection, table)
    if name == "interaction":
        _add_corrections(connection, table)
    return _links(name, table)


def _add_events(connection: sqlite3.Connection, table: pa.Table) -> None:
    """Index the digests of ids as one batch, which the last of its files names."""
    digests = np.frombuffer(b"".join(table["digest"].to_pylist()), _EVENT["digest"])
    first_bytes = digests.view(">u8")[:: DIGEST // 8].astype(np.uint64)
    order = np.argsort(first_bytes, kind="stable")
    entries = np.empty(len(order), _EVENT)
    entries["digest"] = digests[order]
    for name in _POSITION:
        entries[name] = table[name].to_numpy()[order]
    buckets = first_bytes[order] >> np.uint64(64 - _BUCKET_BITS)
    starts = np.flatnonzero(np.r_[True, np.diff(buckets) != 0])
    content, bounds = entries.tobytes(), (np.r_[starts, len(order)] * _EVENT.itemsize).tolist()
    packed = (content[start:end] for start, end in pairwise(bounds))
    batch = repeat(int(entries["file"].max()))
    connection.executemany(
        "insert into events values (?, ?, ?)",
        zip(buckets[starts].tolist(), batch, packed, strict=False),
    )


def bucket_of(key: bytes) -> int:
    """Return the bucket of a digest."""
    return int.from_bytes(key[:8]) >> (64 - _BUCKET_BITS)


def position_of(key: bytes, entries: bytes) -> tuple[int, int] | None:
    """Return the file and row of a digest in an entry of `events`; None if it has none."""
    start = entries.find(key)
    while start % _EVENT.itemsize and start >= 0:
        start = entries.find(key, start + 1)
    if start < 0:
        return None
    _, file, row = np.frombuffer(entries, _EVENT, 1, start)[0].item()
    return file, row


def _add_links(connection: sqlite3.Connection, links: Iterable[pa.Table]) -> None:
    """Add the links of files that follow all indexed ones, if they change the owner."""
    table = pa.concat_tables([_LINK_COLUMNS.empty_table(), *links]).combine_chunks()
    session, user = (_codes(table[name]) for name in ("session_id", "user"))
    order = _link_order(table, session)
    is_change = np.ones(len(order), bool)
    is_change[1:] = (np.diff(session[order]) != 0) | (np.diff(user[order]) != 0)
    changes = table.take(pa.array(order[is_change]))
    columns = (changes[name].to_pylist() for name in _LINK_COLUMNS.names)
    connection.executemany(_LINKED, zip(*columns, strict=True))


def _codes(ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return a number for each id, the same for the same id, and -1 for null."""
    indices = ids.combine_chunks().dictionary_encode().indices.cast(pa.int64())
    codes: npt.NDArray[np.int64] = indices.fill_null(-1).to_numpy()
    return codes


def _link_order(table: pa.Table, session: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows of links by session, instant and event id.

    Ids are compared only if two links of a session have one instant: comparing texts is slow.
    """
    seen_at = table["seen_at"].to_numpy()
    order = np.lexsort((seen_at, session))
    if ((np.diff(session[order]) == 0) & (np.diff(seen_at[order]) == 0)).any():
        ranks = pc.rank(table["event_id"], tiebreaker="dense").to_numpy()
        order = np.lexsort((ranks, seen_at, session))
    return order


def indexed_columns(table: pa.Table, digests: Sequence[bytes]) -> pa.Table:
    """Return the columns of a compacted file that are indexed, given the digests of its ids."""
    present = [name for name in table.column_names if name in INDEXED]
    indexed = table.select(present)
    seen_at = indexed["seen_at"].cast(pa.int64())
    indexed = indexed.set_column(present.index("seen_at"), "seen_at", seen_at)
    return indexed.append_column("digest", pa.array(digests, pa.binary(DIGEST)))


def _read_columns(path: Path) -> pa.Table:
    table = read_columns(path, [*INDEXED])
    return indexed_columns(table, [*map(digest, table["event_id"].to_pylist())])


def _with_position(table: pa.Table, file: int | None) -> pa.Table:
    """Return the columns of a file with the position of each event."""
    table = table.append_column("file", pa.array(np.full(len(table), file, np.int64)))
    return table.append_column("row", pa.array(np.arange(len(table))))


def _add_requests(connection: sqlite3.Connection, kind: str, winner: str, table: pa.Table) -> None:
    """Index a kind that is looked up by request id; of rankings, also each repeated one."""
    names = ("request_id", "seen_at", *_POSITION)
    entries = [*_rows(table, names)]
    inserted = connection.executemany(_INSERT[winner], [(kind, *entry) for entry in entries])
    if kind == "ranking" and inserted.rowcount < len(entries):
        connection.executemany(
            _REPEATED,
            (
                {"request_id": request_id, "file": file, "row": row}
                for request_id, _, file, row in entries
            ),
        )


def _add_answers(connection: sqlite3.Connection, table: pa.Table) -> None:
    """Index events that name a request; those without a session inherit that of the request."""
    answers = table.filter(pc.is_valid(table["request_id"]))
    heirs = answers.filter(pc.is_null(answers["session_id"]))
    for name, events in (("answers", answers), ("heirs", heirs)):
        packed = _packed(events, "request_id")
        connection.executemany(f"insert into {name} values (?, ?, ?)", packed)


def _add_sessions(connection: sqlite3.Connection, kind: str, table: pa.Table) -> None:
    """Index events that name a session; of rankings also the request, which others inherit from."""
    named = table.filter(pc.is_valid(table["session_id"]))
    connection.executemany("insert into sessions values (?, ?, ?)", _packed(named, "session_id"))
    if kind == "ranking":
        pairs = sorted({*_rows(named, ("session_id", "request_id"))})
        connection.executemany("insert or ignore into asked values (?, ?)", pairs)


def _packed(table: pa.Table, name: str) -> Iterator[tuple[str, int, bytes]]:
    """Yield each id and file with the rows that have the id, in the order of the ids."""
    codes = table[name].combine_chunks().dictionary_encode()
    ranks = pc.rank(codes.dictionary, tiebreaker="dense").to_numpy()[codes.indices.to_numpy()]
    files, rows = (table[position].to_numpy() for position in _POSITION)
    order = np.lexsort((rows, files, ranks))
    ranks, files = ranks[order], files[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(ranks) != 0) | (np.diff(files) != 0)
    starts = np.flatnonzero(is_first)
    ids = codes.dictionary.take(codes.indices.take(pa.array(order[starts]))).to_pylist()
    content, limits = rows[order].astype(_ROW).tobytes(), [*starts.tolist(), len(order)]
    bounds = [_ROW.itemsize * limit for limit in limits]
    packed = (content[start:end] for start, end in pairwise(bounds))
    return zip(ids, files[starts].tolist(), packed, strict=True)


def unpacked(rows: bytes) -> list[int]:
    """Return the rows of an entry."""
    numbers: list[int] = np.frombuffer(rows, _ROW).tolist()
    return numbers


def _rows(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _add_merges(connection: sqlite3.Connection, table: pa.Table) -> None:
    if "from_user_id" in table.column_names:
        merges = table.filter(pc.is_valid(table["from_user_id"]))
        rows = merges.select(["from_user_id", "seen_at", "event_id", "user_id"])
        columns = (column.to_pylist() for column in rows.columns)
        connection.executemany("insert into merges values (?, ?, ?, ?)", zip(*columns, strict=True))


def _add_corrections(connection: sqlite3.Connection, table: pa.Table) -> None:
    corrections = table.filter(pc.is_valid(table["corrects"]))
    rows = _rows(corrections, ("corrects", "seen_at", "event_id", *_POSITION))
    connection.executemany("insert into corrections values (?, ?, ?, ?, ?)", rows)


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
