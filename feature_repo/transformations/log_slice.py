"""The part of the log that a run reads: the new events, and the old events that they name.

A new interaction takes user, query and market from the ranking it names.  A correction takes
everything from the event it corrects, if no other corrected that before.  A slate that was reported
or clicked before already has impressions.  The log's index locates these few old events.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from feature_repo.events.contract import ARROW_SCHEMAS, EVENT_KINDS, FEATURE_KINDS, InteractionEvent
from feature_repo.events.log import EventIndex, list_relations, read_rows
from feature_repo.home import Home, locked
from feature_repo.transformations.state import EVERYTHING

_NAMED = tuple(kind for kind in FEATURE_KINDS if EVENT_KINDS[kind].lookup is not None)
"""Kinds whose earlier events new ones can name, by request id or event id."""


@dataclass(frozen=True)
class LogSlice:
    """The events of a home's log that a run reads.

    Attributes:
        home: owns the log.
        files: names of the files of the compacted log that are read completely.
        since: µs; new events were seen after it, the old events that they name up to it.
    """

    home: Home
    files: frozenset[str] = field(default_factory=frozenset)
    since: int = EVERYTHING

    @classmethod
    def whole(cls, home: Home) -> "LogSlice":
        """Return the whole log."""
        folder = home.log / "compacted"
        return cls(home, frozenset(str(p.relative_to(folder)) for p in list_relations(folder)))

    def paths(self, kind: str) -> list[Path]:
        """Return the files of one kind, oldest day first."""
        folder = self.home.log / "compacted"
        return sorted(folder / name for name in self.files if name.startswith(f"{kind}/"))

    def open(self, db: duckdb.DuckDBPyConnection) -> None:
        """Create the SQL view `log_<kind>` for each kind, empty without events.

        Files written before a column existed have null in it.
        """
        for kind in FEATURE_KINDS:
            paths = [str(path) for path in self.paths(kind)]
            db.register(f"columns_{kind}", ARROW_SCHEMAS[kind].empty_table())
            columns = f"from columns_{kind}"
            if paths:
                files = db.read_parquet(paths, hive_partitioning=False, union_by_name=True)
                files.create_view(f"files_{kind}")
                columns += f" union all by name from files_{kind}"
            db.execute(f"create view added_{kind} as {columns}")
            db.execute(f"create view log_{kind} as from added_{kind}")
        if self.since != EVERYTHING:
            self._add_named(db)

    def events(self, db: duckdb.DuckDBPyConnection) -> int:
        """Return the number of events in the opened views."""
        counts = " + ".join(f"(select count(*) from log_{kind})" for kind in FEATURE_KINDS)
        return int(db.execute(f"select {counts}").fetchall()[0][0])

    def _add_named(self, db: duckdb.DuckDBPyConnection) -> None:
        named = self._named(db)
        for kind in _NAMED:
            tables = [
                read_rows(self.home.log / "compacted" / name, rows)
                for name, rows in named.items()
                if name.startswith(f"{kind}/")
            ]
            if tables:
                db.register(f"named_{kind}", pa.concat_tables(tables, promote_options="default"))
                both = f"from added_{kind} union all by name from named_{kind}"
                db.execute(f"create or replace view log_{kind} as {both}")

    def _named(self, db: duckdb.DuckDBPyConnection) -> dict[str, list[int]]:
        """File → row numbers of the old events that new ones name."""
        requests = _texts(
            db, "from log_ranking select request_id union from log_interaction select request_id"
        )
        corrected = _texts(db, "from log_interaction select distinct corrects")
        with _index(self.home) as index:
            rows = index.event_rows(corrected)
            requests += [
                event.request_id
                for event in index.read(rows)
                if isinstance(event, InteractionEvent) and event.request_id is not None
            ]
            rows |= index.correction_rows(corrected) | index.request_rows(requests)
            rows = {row for row in rows if row[0].partition("/")[0] in _NAMED}
        by_file: dict[str, list[int]] = {}
        for name, number in sorted(rows):
            if name not in self.files:
                by_file.setdefault(name, []).append(number)
        return by_file


@contextmanager
def _index(home: Home) -> Iterator[EventIndex]:
    with closing(EventIndex(home.log)) as index:
        with locked(home.log / "compaction.lock"):
            index.sync()
        yield index


def _texts(db: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [text for (text,) in db.execute(sql).fetchall() if text is not None]
