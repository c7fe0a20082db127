"""The index of the compacted log: its event ids, and the rows of each request and session.

`log/index.db` is derived from the compacted files. `sync` reads files that are not yet indexed; if
an indexed file was removed or changed, it builds the index from scratch. Event ids are stored as
128-bit digests, in buckets: 30 MB a million.  A damaged index is built again by whoever reads it,
and so is one that lacks all files.
"""

import logging
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from feature_repo.events.contract import AnyEvent, Link, Merge
from feature_repo.events.log.arrow import from_table
from feature_repo.events.log.index_content import (
    SCHEMA,
    TABLES,
    VERSION,
    Entry,
    add_files,
    bucket_of,
    digest,
    position_of,
    unpacked,
)
from feature_repo.events.log.partitions import (
    kind_of,
    list_relations,
    part_of,
    read_row,
    read_rows,
    relation_order,
)
from feature_repo.events.log.user_rows import rows_of_users
from feature_repo.home import LogError, locked

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

NO_COLUMNS: Mapping[Path, pa.Table] = {}

COMPACTION_LOCK = "compaction.lock"
"""Of the log's folder: who holds it writes compacted files and the index."""

_CHUNK = 500
_SYNC_CACHE_KB = 65_536
"""Cached pages while files are indexed: their rows are spread over the tables."""
_RANKINGS = """
select path, row from files join
    (select file, row from requests where kind = 'ranking' and request_id = :request_id
     union all select file, row from repeats where request_id = :request_id) on file = id
"""
_OF_REQUESTS = """
select path, row from files join
    (select file, row from requests where kind = 'ranking' and request_id in ({marks})
     union select file, row from repeats where request_id in ({marks})) on file = id
"""
_ANSWERS = "select path, rows from files join answers on file = id where request_id in ({marks})"
_OF_SESSIONS = """
select path, rows from files join
    (select file, rows from sessions where session_id in ({marks})
     union select h.file, h.rows from heirs h join asked using (request_id)
     where session_id in ({marks})) on file = id
"""
_LINKS = "select seen_at, event_id, session_id, user_id from links where session_id in ({marks})"
_LINKED_SESSIONS = "select distinct session_id from links where user_id in ({marks})"
_MERGES = """
select seen_at, event_id, from_user_id, user_id from merges
where from_user_id in ({marks}) or user_id in ({marks})
"""
_OF_CORRECTIONS = """
select path, row from files join corrections on file = id where corrects in ({marks})
"""
_CORRECTIONS = "select seen_at, event_id from corrections where corrects in ({marks})"
_ANY_EVENT = "select 1 from events limit 1"
_OF_BUCKETS = "select bucket, entries from events where bucket in ({marks})"
_FILES = "select id, path from files where id in ({marks})"


class DamagedIndexError(LogError):
    """The index is damaged, and a compaction runs."""


class EventIndex:
    """Looks up compacted events. Thread-safe."""

    def __init__(self, log: Path) -> None:
        self._path = log / "index.db"
        self._relations = log / "compacted"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def compacted_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests whose events are compacted."""
        return {*self._positions(digests)}

    def parts(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Return the part of each digest whose event is compacted."""
        return {key: part_of(Path(path)) for key, (path, _) in self._located(digests).items()}

    def event(self, event_id: str) -> AnyEvent | None:
        """Return the compacted event of this id."""
        located = self._located([digest(event_id)])
        return next((read_row(self._relations / path, row) for path, row in located.values()), None)

    def request(self, kind: str, request_id: str) -> AnyEvent | None:
        """Return the event of a request: the first ranking, or the last served event."""
        where = "requests r on r.file = f.id where r.kind = ? and r.request_id = ?"
        return self._read(f"select path, row from files f join {where}", (kind, request_id))

    def rankings(self, request_id: str) -> list[AnyEvent]:
        """Return every compacted ranking of a request."""
        rows = self._query(
            lambda index: index.execute(_RANKINGS, {"request_id": request_id}).fetchall()
        )
        return [read_row(self._relations / path, row) for path, row in rows]

    def request_rows(self, request_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file, relative to the compacted folder, and row of requests' events.

        These are rankings and every kind that refers to a request, such as interactions.
        """
        requests = [*request_ids]
        return self._rows(_OF_REQUESTS, requests) | self._unpacked(_ANSWERS, requests)

    def event_rows(self, event_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file and row of events by their ids."""
        return {*self._located([*map(digest, event_ids)]).values()}

    def correction_rows(self, event_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file and row of the corrections of events."""
        return self._rows(_OF_CORRECTIONS, event_ids)

    def corrections(self, event_id: str) -> list[tuple[int, str]]:
        """Return `seen_at` and id of the corrections of an event, in order."""
        return sorted(self._of_keys(_CORRECTIONS, [event_id]))

    def session_rows(self, session_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file and row of all events of sessions.

        These are the events that name a session, and interactions without a session that name a
        request of it.
        """
        return self._unpacked(_OF_SESSIONS, session_ids)

    def user_rows(self, user_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Return file and row of all events of users, read from every file: for a few users.

        These are the rankings, interactions, links and merges that name a user, interactions
        without a user that name a request of one, and the events of all sessions that were ever
        linked to one.
        """
        users = list(user_ids)
        rows = rows_of_users(self._relations, users) if users else set()
        return rows | self.session_rows(self.linked_sessions(users))

    def read(self, rows: Iterable[tuple[str, int]]) -> list[AnyEvent]:
        """Return the events of rows, as `session_rows` and the like return them."""
        by_file: dict[str, list[int]] = {}
        for name, row in sorted(rows):
            by_file.setdefault(name, []).append(row)
        return [
            event
            for name, numbers in by_file.items()
            for path in [self._relations / name]
            for event in from_table(kind_of(path), read_rows(path, numbers))
        ]

    def links(self, session_ids: Iterable[str]) -> list[Link]:
        """Return the links that changed the owners of sessions."""
        return [Link(*row) for row in self._of_keys(_LINKS, session_ids)]

    def linked_sessions(self, user_ids: Iterable[str]) -> set[str]:
        """Return the sessions that ever belonged to users."""
        return {session for (session,) in self._of_keys(_LINKED_SESSIONS, user_ids)}

    def merges(self, user_ids: Iterable[str]) -> list[Merge]:
        """Return the merges of users with others, in either direction."""
        return [Merge(*row) for row in self._of_keys(_MERGES, user_ids)]

    def sync(self, columns: Mapping[Path, pa.Table] = NO_COLUMNS) -> None:
        """Update the index to the compacted files. The caller holds the compaction lock.

        Args:
            columns: `indexed_columns` of files that need not be read again.
        """
        with self._lock:
            try:
                self._follow(self._writing(), columns)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._discard()
                self._follow(self._writing())

    def rebuild(self) -> None:
        """Build the index from scratch.  The caller holds the compaction lock."""
        _logger.warning("%s is damaged and is built again", self._path)
        with self._lock:
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
        return {(path, row) for path, row in self._of_keys(query, keys)}

    def _unpacked(self, query: str, keys: Iterable[object]) -> set[tuple[str, int]]:
        packed = self._of_keys(query, keys)
        return {(path, row) for path, rows in packed for row in unpacked(rows)}

    def _of_keys(self, query: str, keys: Iterable[object]) -> set[tuple[Any, ...]]:
        chunks = [*_chunks(keys, _CHUNK)]

        def select(index: sqlite3.Connection) -> list[tuple[Any, ...]]:
            rows = []
            for chunk in chunks:
                marks = ",".join(f"?{n}" for n in range(1, len(chunk) + 1))
                rows += index.execute(query.format(marks=marks), chunk).fetchall()
            return rows

        return {*self._query(select)}

    def _located(self, digests: Sequence[bytes]) -> dict[bytes, tuple[str, int]]:
        """Return the path and row of each digest whose event is compacted."""
        positions = self._positions(digests)
        paths = dict(self._of_keys(_FILES, {file for file, _ in positions.values()}))
        return {key: (paths[file], row) for key, (file, row) in positions.items()}

    def _positions(self, digests: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Return the file and row of each digest whose event is compacted."""
        if not self._query(lambda index: index.execute(_ANY_EVENT).fetchall()):
            return {}
        buckets: dict[int, list[bytes]] = defaultdict(list)
        for key in digests:
            buckets[bucket_of(key)].append(key)
        return {
            key: position
            for bucket, entries in self._of_keys(_OF_BUCKETS, buckets)
            for key in buckets[bucket]
            if (position := position_of(key, entries)) is not None
        }

    def _read(self, query: str, values: tuple[object, ...]) -> AnyEvent | None:
        matches = self._query(lambda index: index.execute(query, values).fetchmany(1))
        return read_row(self._relations / matches[0][0], matches[0][1]) if matches else None

    def _query(self, select: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        """Return what is selected; build a damaged index again before.

        Raises:
            DamagedIndexError: a compaction runs, which builds the index again itself.
        """
        try:
            return self._selected(select)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            is_empty = isinstance(error, _EmptyIndexError)
        try:
            with locked(self._path.with_name(COMPACTION_LOCK), wait=False):
                self.rebuild()
        except BlockingIOError:
            if is_empty:
                return []  # The first compaction runs.
            raise DamagedIndexError(
                f"{self._path} is damaged; the compaction that runs builds it again: try again."
            ) from None
        return self._selected(select)

    def _selected(self, select: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        with self._lock:
            index = self._reading()
            return [] if index is None else select(index)

    def _reading(self) -> sqlite3.Connection | None:
        """Return the index; None before the first compaction.

        Raises:
            sqlite3.DatabaseError: it is damaged, or lost all its files.
        """
        if self._connection is None and not self._relations.exists():
            return None
        is_open = self._connection is not None
        index = self._writing()
        if not is_open and not self._has_files(index) and list_relations(self._relations):
            raise _EmptyIndexError
        return index

    @staticmethod
    def _has_files(index: sqlite3.Connection) -> bool:
        return index.execute("select 1 from files limit 1").fetchone() is not None

    def _writing(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=60, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.execute("pragma secure_delete = on")
            self._connection.executescript(SCHEMA)
        return self._connection

    def _discard(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _follow(
        self, connection: sqlite3.Connection, columns: Mapping[Path, pa.Table] = NO_COLUMNS
    ) -> None:
        present = {_entry(path, self._relations): path for path in list_relations(self._relations)}
        indexed = set(connection.execute("select path, size, changed from files"))
        (version,) = connection.execute("pragma user_version").fetchone()
        is_sound = version == VERSION and indexed <= present.keys()
        if is_sound and len(indexed) == len(present):
            return
        connection.execute(f"pragma cache_size = -{_SYNC_CACHE_KB}")
        connection.execute("begin immediate")
        try:
            if not is_sound:
                for table in TABLES:
                    connection.execute(f"drop table if exists {table}")
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {VERSION}")
                indexed = set()
            fresh = sorted(
                present.keys() - indexed, key=lambda entry: relation_order(present[entry])
            )
            add_files(connection, {entry: present[entry] for entry in fresh}, columns)
            connection.execute("commit")
            if not is_sound:  # What an erasure removed must not stay in the write-ahead log.
                connection.execute("pragma wal_checkpoint(truncate)")
        except BaseException:
            connection.execute("rollback")
            raise


def _entry(path: Path, folder: Path) -> Entry:
    status = path.stat()
    return str(path.relative_to(folder)), status.st_size, status.st_mtime_ns


class _EmptyIndexError(sqlite3.DatabaseError):
    """The index has no files, though there are some."""


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, None}
"""Primary codes of errors: SQLITE_ERROR is of other tables; None of a text that is no UTF-8."""


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether the database must be built again; others are locked, or without space."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or primary in _DAMAGE


def _chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
