"""The numbers of events: of the last hour by minute, of the last days by day."""

from collections import Counter
from pathlib import Path

from feature_repo.events.contract import FEATURE_KINDS
from feature_repo.events.log import EventLog, list_relations
from feature_repo.home import MINUTE, Clock, Home, to_text
from feature_repo.offline.parquet import count_rows
from pipelines.inspection import count_by_minute

KINDS = ("item", "user", "ranking", "interaction")
DAYS = 30
"""Newest days with events that are shown."""

_MINUTES = 60


def events_by_minute(home: Home, clock: Clock, now: int) -> dict[str, int]:
    """Return the number of events of each of the last 60 minutes, the current one included.

    An event counts in the first minute in which a request may read it.
    """
    first = now // MINUTE - _MINUTES + 1
    counts = Counter(count_by_minute(home, FEATURE_KINDS, first))
    for event in EventLog(home, clock).unsealed(FEATURE_KINDS):
        counts[event.seen_at // MINUTE] += 1
    minutes = range(first, first + _MINUTES)
    return {to_text(minute * MINUTE)[11:16]: counts[minute] for minute in minutes}


def events_by_day(home: Home) -> dict[str, dict[str, int]]:
    """Return the numbers of compacted events by kind, for the newest days with events, in order.

    An event counts on the first day on which a request may read it.
    """
    files: dict[str, dict[str, list[Path]]] = {}
    for kind in KINDS:
        for path in list_relations(home.log / "compacted", kind):
            day = path.parent.name.removeprefix("day=")
            files.setdefault(day, {}).setdefault(kind, []).append(path)
    return {
        day: {kind: count_rows(files[day].get(kind, ())) for kind in KINDS}
        for day in sorted(files)[-DAYS:]
    }
