"""The part of the log that a run reads: the new events, and the old events that they change."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from feature_repo.events.contract import ARROW_SCHEMAS, FEATURE_KINDS
from feature_repo.events.log import COMPACTION_LOCK, EventIndex, list_relations, read_seals
from feature_repo.home import Home, locked
from feature_repo.transformations.old_events import OldEvents, create_identities
from feature_repo.transformations.state import EVERYTHING


@dataclass(frozen=True)
class LogSlice:
    """The events of a home's log that a run reads.

    Attributes:
        home: owns the log.
        files: names of the files of the compacted log that are read completely.
        since: µs; new events were seen after it, the old events that they change up to it.
    """

    home: Home
    files: frozenset[str] = field(default_factory=frozenset)
    since: int = EVERYTHING

    @classmethod
    def whole(cls, home: Home) -> "LogSlice":
        """Return the whole log."""
        return cls.seen_since(home, 0)

    @classmethod
    def seen_since(cls, home: Home, instant: int) -> "LogSlice":
        """Return the days of the log from an instant's, µs, without the old events they change."""
        folder = home.log / "compacted"
        paths = list_relations(folder, since=instant)
        return cls(home, frozenset(str(path.relative_to(folder)) for path in paths))

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
        create_identities(db)
        if self.since != EVERYTHING:
            self._add_old(db)

    def events(self, db: duckdb.DuckDBPyConnection) -> int:
        """Return the number of events in the opened views."""
        counts = " + ".join(f"(select count(*) from log_{kind})" for kind in FEATURE_KINDS)
        return int(db.execute(f"select {counts}").fetchall()[0][0])

    def _add_old(self, db: duckdb.DuckDBPyConnection) -> None:
        compacted, seals = self.home.log / "compacted", read_seals(self.home.log / "seals")
        with _index(self.home) as index:
            OldEvents(db, index, compacted, self.files, seals, self.since).add()


def open_served(db: duckdb.DuckDBPyConnection, home: Home, since: int) -> None:
    """Create the view `log_served` of the answers seen since an instant; no feature reads them."""
    db.register("columns_served", ARROW_SCHEMAS["served"].empty_table())
    sql = "create view log_served as from columns_served"
    paths = [str(p) for p in list_relations(home.log / "compacted", "served", since=since)]
    if paths:
        db.read_parquet(paths, hive_partitioning=False, union_by_name=True).create_view("served")
        sql += " union all by name from served"
    db.execute(sql)


@contextmanager
def _index(home: Home) -> Iterator[EventIndex]:
    with closing(EventIndex(home.log)) as index:
        with locked(home.log / COMPACTION_LOCK):
            index.sync()
        yield index
