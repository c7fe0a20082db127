"""The old events that new events change: whose requests, sessions or users they name.

A new interaction takes user, session, query and market from the ranking it names, and counts in
the bucket of the event it corrects.  A slate that was reported or clicked before already has
impressions.  A link of a session that belonged to nobody gives its old events to a user, and a
merge gives a user's to another.  The log's index locates these few old events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from feature_repo.events.contract import EVENT_KINDS, FEATURE_KINDS, InteractionEvent, Link, Merge
from feature_repo.events.log import EventIndex, Seals, read_rows

Row = tuple[str, int]
"""File, relative to the compacted folder, and number of the row in it."""

_NAMED = tuple(kind for kind in FEATURE_KINDS if EVENT_KINDS[kind].lookup is not None)
"""Kinds whose earlier events new ones can name."""

_REQUESTS = "select request_id from log_ranking union select request_id from log_interaction"
_CORRECTED = "select distinct corrects from log_interaction"
_EVENTS = "select event_id from log_interaction"
_SESSIONS = """
    select session_id from log_ranking union select session_id from log_interaction
    union select session_id from log_user
"""
_USERS = """
    select user_id from log_ranking union select user_id from log_interaction
    union select user_id from log_user where op <> 'upsert'
"""
_LINKED = """
    select session_id from added_ranking where user_id is not null
    union select session_id from added_interaction where user_id is not null
    union select session_id from added_user where op = 'link'
"""


@dataclass
class OldEvents:
    """Adds old events to the new ones of a database.

    Attributes:
        db: has a view `added_<kind>` and a view `log_<kind>` for each kind.
        index: of the log.
        compacted: folder of the log's files.
        files: names of the files with the new events.
        seals: of the log.
        since: µs; old events were seen up to it.
        rows: the rows added so far.
    """

    db: duckdb.DuckDBPyConnection
    index: EventIndex
    compacted: Path
    files: frozenset[str]
    seals: Seals
    since: int
    rows: set[Row] = field(default_factory=set)
    _tables: dict[str, list[pa.Table]] = field(default_factory=dict)

    def add(self) -> None:
        """Add the old events, and the old links and merges as `old_links` and `old_merges`."""
        self._load(self._named())
        if self._load(self._linked() | self._merged()):
            while self._load(self._named() | self.index.correction_rows(self._texts(_EVENTS))):
                pass
        self._add_identities()

    def _load(self, rows: Iterable[Row]) -> bool:
        """Read the rows of old events into the views; return whether any was missing."""
        by_file: dict[str, list[int]] = {}
        for name, number in sorted({*rows} - self.rows):
            if name not in self.files and name.partition("/")[0] in _NAMED:
                by_file.setdefault(name, []).append(number)
                self.rows.add((name, number))
        for name, numbers in by_file.items():
            tables = self._tables.setdefault(name.partition("/")[0], [])
            tables.append(read_rows(self.compacted / name, numbers))
        for kind in {name.partition("/")[0] for name in by_file}:
            old = pa.concat_tables(self._tables[kind], promote_options="default")
            self.db.register(f"old_{kind}", old)
            both = f"from added_{kind} union all by name from old_{kind}"
            self.db.execute(f"create or replace view log_{kind} as {both}")
        return bool(by_file)

    def _named(self) -> set[Row]:
        """The events of requests and the corrected events that are named so far.

        A correction takes the request of the event it corrects, if no other corrected that before.
        """
        requests, corrected = self._texts(_REQUESTS), self._texts(_CORRECTED)
        rows = self.index.event_rows(corrected)
        requests += [
            event.request_id
            for event in self.index.read(rows)
            if isinstance(event, InteractionEvent) and event.request_id is not None
        ]
        return rows | self.index.correction_rows(corrected) | self.index.request_rows(requests)

    def _linked(self) -> set[Row]:
        """The events of sessions that a new link takes from nobody."""
        linked = self._texts(_LINKED)
        owners = {link.session_id: link.user_id for link in self._links(linked)}
        return self.index.session_rows([s for s in linked if owners.get(s) is None])

    def _merged(self) -> set[Row]:
        """The events of users whom a new merge gives to others, directly or by old merges."""
        merged = set(self._texts("select from_user_id from added_user where op = 'merge'"))
        merges = self._merges(merged)
        while more := {m.from_user_id for m in merges if m.user_id in merged} - merged:
            merged |= more
        return self.index.user_rows(merged) if merged else set()

    def _add_identities(self) -> None:
        """Add the old links and merges of all sessions and users in the views."""
        links = self._links(self._texts(_SESSIONS))
        owners = {link.user_id for link in links if link.user_id is not None}
        merges = self._merges(owners.union(self._texts(_USERS)))
        create_identities(
            self.db,
            [self._row(link, session_id=link.session_id, user_id=link.user_id) for link in links],
            [
                self._row(merge, user_id=merge.from_user_id, into_user_id=merge.user_id)
                for merge in merges
            ],
        )

    def _row(self, change: Link | Merge, **ids: str | None) -> dict[str, Any]:
        part = self.seals.part_of(change.seen_at)
        return {"event_id": change.event_id, "seen_at": change.seen_at, "part": part, **ids}

    def _links(self, sessions: Iterable[str]) -> list[Link]:
        links = (link for link in self.index.links(sessions) if link.seen_at <= self.since)
        return sorted(links, key=lambda link: (link.seen_at, link.event_id))

    def _merges(self, users: Iterable[str]) -> list[Merge]:
        """Return the old merges of users, and of the users whom these name, and so on."""
        merges, reached, fresh = set[Merge](), set[str](), set(users)
        while fresh:
            reached |= fresh
            of_fresh = self.index.merges(fresh)
            merges.update(of_fresh)
            fresh = {user for m in of_fresh for user in (m.user_id, m.from_user_id)} - reached
        return [merge for merge in merges if merge.seen_at <= self.since]

    def _texts(self, sql: str) -> list[str]:
        return [text for (text,) in self.db.execute(sql).fetchall() if text is not None]


_IDS = {"event_id": pa.string(), "user_id": pa.string()}
_TIMES = {"part": pa.int64(), "seen_at": pa.int64()}
_LINKS = pa.schema({**_IDS, "session_id": pa.string(), **_TIMES})
_MERGES = pa.schema({**_IDS, "into_user_id": pa.string(), **_TIMES})


def create_identities(
    db: duckdb.DuckDBPyConnection,
    links: Sequence[Mapping[str, Any]] = (),
    merges: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Create the tables `old_links` and `old_merges` of some rows."""
    db.register("old_links", pa.Table.from_pylist(links, _LINKS))
    db.register("old_merges", pa.Table.from_pylist(merges, _MERGES))
