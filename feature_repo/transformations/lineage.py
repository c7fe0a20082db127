"""The tables between the events of the log and a feature view, as its SQL files read them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

from feature_repo.events.contract import FEATURE_KINDS
from feature_repo.transformations.staged_log import SQL
from feature_repo.views import ViewSpec

_COMMENT = re.compile(r"--[^\n]*")
_NAME = re.compile(r"\b[a-z]\w*")
_VIEW = re.compile(r"create temp view (\w+) as")
_ENTITY = re.compile(r"\$\{?entity\}?")
_IN_PYTHON = {"merge_chains": "stg_merges"}
"""Tables that are computed outside SQL, and what they are computed from."""


@dataclass(frozen=True)
class Source:
    """One table on the way from the log to a view.

    Attributes:
        table: its name; `log_<kind>` has the events of a kind.
        reads: the tables that it is computed from; none for events.
    """

    table: str
    reads: tuple[str, ...]

    @property
    def event_kind(self) -> str | None:
        """The kind of its events; None for a computed table."""
        return self.table.removeprefix("log_") if self.table.startswith("log_") else None


def sources_of(spec: ViewSpec) -> list[Source]:
    """Return the tables that a view is computed from, each before the ones that it reads."""
    waiting, reads = [*_read_by(spec.sql_file.read_text(encoding="utf-8"), spec)], {}
    while waiting:
        table = waiting.pop()
        if table not in reads:
            reads[table] = tuple(_read_by(_tables()[table], spec))
            waiting += reads[table]
    order = [*TopologicalSorter(reads).static_order()]
    return [Source(table, reads[table]) for table in reversed(order)]


def _read_by(sql: str, spec: ViewSpec) -> Iterator[str]:
    """Yield the tables that an SQL text names, in order."""
    body = _ENTITY.sub(spec.entity, _COMMENT.sub("", sql))
    return (name for name in dict.fromkeys(_NAME.findall(body)) if name in _tables())


@cache
def _tables() -> Mapping[str, str]:
    """Return the SQL of each table between the log and the views; an empty one for events."""
    files = [*(SQL / "staging").glob("*.sql"), *(SQL / "intermediate").glob("*.sql")]
    tables = {path.stem: path.read_text(encoding="utf-8") for path in files}
    first_seen = tables.pop("stg_first_seen")
    tables |= {f"stg_{entity}_first_seen": first_seen for entity in ("user", "session")}
    _, *parts = _VIEW.split((SQL / "shoppers.sql").read_text(encoding="utf-8"))
    tables |= dict(zip(parts[::2], parts[1::2], strict=True))
    return tables | _IN_PYTHON | {f"log_{kind}": "" for kind in FEATURE_KINDS}
