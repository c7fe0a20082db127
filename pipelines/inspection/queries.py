"""What the log has: the queries that shoppers send most, newest answers, events by minute."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from feature_repo.events.log import list_relations
from feature_repo.home import MINUTE, Home, to_datetime, to_text
from pipelines.inspection.database import reading

_DAYS = 7
"""Newest days with slates or answers that are read."""


def frequent_queries(home: Home, most: int) -> list[str]:
    """Return the most frequent queries of the last days with slates, the most frequent first."""
    files = list_relations(home.log / "compacted", "ranking")
    days = [[*listed] for _, listed in groupby(files, key=lambda path: path.parent.name)]
    paths = [str(path) for day in days[-_DAYS:] for path in day]
    if not paths:
        return []
    with reading() as database:
        rows = database.execute(
            "select query from read_parquet($paths, union_by_name := true) "
            "where trim(query) <> '' group by query order by count(*) desc, query limit $most",
            {"paths": paths, "most": most},
        ).fetchall()
    return [query for (query,) in rows]


def count_by_minute(home: Home, kinds: Iterable[str], first: int) -> dict[int, int]:
    """Return the compacted events of some kinds from a minute on, by minute since 1970 UTC."""
    day = f"day={to_text(first * MINUTE)[:10]}"
    counts: dict[int, int] = {}
    with reading() as database:
        for kind in kinds:
            files = list_relations(home.log / "compacted", kind)
            paths = [str(path) for path in files if path.parent.name >= day]
            rows = (
                database.execute(
                    f"select epoch_us(seen_at) // {MINUTE}, count(*) from read_parquet($paths) "
                    "where seen_at >= $since group by all",
                    {"paths": paths, "since": to_datetime(first * MINUTE)},
                ).fetchall()
                if paths
                else []
            )
            for minute, count in rows:
                counts[minute] = counts.get(minute, 0) + count
    return counts


def newest_answers(home: Home, t: int, *, user: str, query: str, most: int) -> list[dict[str, Any]]:
    """Return the newest compacted answers until an instant, the newest first.

    Args:
        user, query: of the answers; empty for any.
        most: of the answers.
    """
    listed: list[dict[str, Any]] = []
    files = list_relations(home.log / "compacted", "served")
    days = [[*each] for _, each in groupby(files, key=lambda path: path.parent.name)]
    names = ("at", "request", "surface", "query", "user", "items")
    with reading() as database:
        for day in days[: -_DAYS - 1 : -1]:
            rows = database.execute(
                "select epoch_us(event_time), request_id, surface, query, user_id, len(items) "
                "from read_parquet($paths, union_by_name := true) where event_time <= $t "
                "and $user in ('', user_id) and $query in ('', query) "
                "order by event_time desc, request_id limit $most",
                {
                    "paths": [str(path) for path in day],
                    "t": to_datetime(t),
                    "user": user,
                    "query": query,
                    "most": most - len(listed),
                },
            ).fetchall()
            listed += [dict(zip(names, row, strict=True)) for row in rows]
            if len(listed) >= most:
                break
    return listed
