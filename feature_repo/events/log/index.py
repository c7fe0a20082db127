"""The index of the compacted log: which event ids it contains, and the rows of each request.

`log/index.db` is derived from the compacted files. `sync` reads files that are not yet indexed; if
an indexed file was removed or changed, it builds the index from scratch. Event ids are stored as
128-bit digests, in order: 30 MB for a million.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS, AnyEvent
from feature_repo.events.log.partitions import kind_of, list_relations, part_of, read_row

_T = TypeVar("_T")

DIGEST = 16
_CHUNK = 500
_SCHEMA = """
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
"""
_VERSION = 1
"""Version of the indexed content; an index of another version is rebuilt."""
_EARLIEST = "insert into requests values (?, ?, ?, ?, ?) on conflict do nothing"
_LATEST = """
insert into requests values (?, ?, ?, ?, ?) on conflict do update
set seen_at = excluded.seen_at, file = excluded.file, row = excluded.row
"""
_REPEATED = """
insert into repeats select :request_id, :file, :row where (:file, :row) not in
    (select file, row from requests where kind = 'ranking' and request_id = :request_id)
"""
_RANKINGS = """
select path, row from files join
    (select file, row from requests where kind = 'ranking' and request_id = :request_id
     union all select file, row from repeats where request_id = :request_id) on file = id
"""
_OF_REQUESTS = """
select path, row from files join
    (select file, row from requests where kind = 'ranking' and request_id in ({marks})
     union select file, row from repeats where request_id in ({marks})
     union select file, row from answers where request_id in ({marks})) on file = id
"""
_OF_EVENTS = "select path, row from files join events on file = id where digest in ({marks})"
_INSERT = {"first": _EARLIEST, "last": _LATEST}
"""Inserts a row into `requests`, by the winner that a kind's lookup declares."""


def digest(event_id: str) -> bytes:
    """Return the key of an event id in the index."""
    return hashlib.blake2b(event_id.encode(), digest_size=DIGEST).digest()


class EventIndex:
    """Looks up compacted events. Thread-safe."""

    def __init__(self, log: Path) -> None:
        self._path = log / "index.db"
        self._relations = log / "compacted"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def compacted_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests whose events are compacted."""
        return {row[0] for row in self._select("digest from events", digests)}

    def parts(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Return the part of each digest whose event is compacted."""
        rows = self._select("digest, path from events e join files f on e.file = f.id", digests)
        return {row[0]: part_of(Path(row[1])) for row in rows}

    def event(self, event_id: str) -> AnyEvent | None:
        """Return the compacted event of this id."""
        where = "events e on e.file = f.id where e.digest = ?"
        return self._read(f"select path, row from files f join {where}", (digest(event_id),))

    def request(self, kind: str, request_id: str) -> AnyEvent | None:
        """Return the event of a request: the first ranking, or the last served event."""
        where = "requests r on r.file = f.id where r.kind = ? and r.request_id = ?"
        return self._read(f"select path, row from files f join {where}", (kind, request_id))

    def rankings(self, request_id: str) -> list[AnyEvent]:
        """Return every compacted ranking of a request."""
        with self._lock:
            connection = self._reading()
            rows = (
                connection.execute(_RANKINGS, {"request_id": request_id}).fetchall()
                if connection
                else []
            )
        return [read_row(self._relations / path, row) for path, row in rows]

    def request_rows(self, request_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file, relative to the compacted folder, and row of requests' events.

        These are rankings and every kind that refers to a request, such as interactions.
        """
        return self._rows(_OF_REQUESTS, request_ids)

    def event_rows(self, event_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file and row of events by their ids."""
        return self._rows(_OF_EVENTS, map(digest, event_ids))

    def sync(self) -> None:
        """Update the index to the compacted files. The caller holds the compaction lock."""
        with self._lock:
            try:
                self._follow(self._writing())
            except sqlite3.DatabaseError:
                self._discard()
                self._follow(self._writing())

    def close(self) -> None:
        """Close the database; the next call opens it again. Garbage collection closes it too."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    def _rows(self, query: str, keys: Iterable[object]) -> set[tuple[str, int]]:
        rows: set[tuple[str, int]] = set()
        with self._lock:
            connection = self._reading()
            if connection is not None:
                for chunk in _chunks(keys, _CHUNK):
                    marks = ",".join(f"?{n}" for n in range(1, len(chunk) + 1))
                    rows.update(connection.execute(query.format(marks=marks), chunk))
        return rows

    def _select(self, columns: str, digests: Sequence[bytes]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        with self._lock:
            connection = self._reading()
            if connection is not None:
                for chunk in _chunks(digests, _CHUNK):
                    marks = ",".join("?" * len(chunk))
                    rows += connection.execute(f"select {columns} where digest in ({marks})", chunk)
        return rows

    def _read(self, query: str, values: tuple[object, ...]) -> AnyEvent | None:
        with self._lock:
            connection = self._reading()
            match = connection and connection.execute(query, values).fetchone()
        return read_row(self._relations / match[0], match[1]) if match else None

    def _reading(self) -> sqlite3.Connection | None:
        return self._writing() if self._connection or self._path.exists() else None

    def _writing(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=60, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.executescript(_SCHEMA)
        return self._connection

    def _discard(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _follow(self, connection: sqlite3.Connection) -> None:
        present = {_entry(path, self._relations): path for path in list_relations(self._relations)}
        indexed = set(connection.execute("select path, size, changed from files"))
        (version,) = connection.execute("pragma user_version").fetchone()
        is_sound = version == _VERSION and indexed <= present.keys()
        if is_sound and len(indexed) == len(present):
            return
        connection.execute("begin immediate")
        try:
            if not is_sound:
                for table in ("files", "events", "requests", "repeats", "answers"):
                    connection.execute(f"delete from {table}")
                connection.execute(f"pragma user_version = {_VERSION}")
                indexed = set()
            for entry, path in present.items():
                if entry not in indexed:
                    _add(connection, entry, path)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise


def _entry(path: Path, folder: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path.relative_to(folder)), status.st_size, status.st_mtime_ns


def _add(connection: sqlite3.Connection, entry: tuple[str, int, int], path: Path) -> None:
    inserted = connection.execute("insert into files (path, size, changed) values (?, ?, ?)", entry)
    file, kind = inserted.lastrowid, EVENT_KINDS[kind_of(path)]
    ids = pq.read_table(path, columns=["event_id"]).column(0).to_pylist()
    keys = sorted((digest(event_id), row) for row, event_id in enumerate(ids))
    connection.executemany(
        "insert into events values (?, ?, ?) on conflict do nothing",
        ((key, file, row) for key, row in keys),
    )
    if kind.lookup is not None and kind.lookup.key == "request_id":
        _add_requests(connection, file, kind.name, kind.lookup.winner, path)
    elif "request_id" in kind.fields:
        requests = pq.read_table(path, columns=["request_id"]).column(0).to_pylist()
        connection.executemany(
            "insert into answers values (?, ?, ?)",
            ((request_id, file, row) for row, request_id in enumerate(requests) if request_id),
        )


def _add_requests(
    connection: sqlite3.Connection, file: int | None, kind: str, winner: str, path: Path
) -> None:
    """Index a kind that is looked up by request id; of rankings, also each repeated one."""
    table = pq.read_table(path, columns=["request_id", "seen_at"])
    seen_at = table.column("seen_at").cast(pa.int64()).to_pylist()
    requests = table.column("request_id").to_pylist()
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


def _chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
