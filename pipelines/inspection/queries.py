"""The queries that shoppers send most."""

from itertools import groupby

from feature_repo.events.log import list_relations
from feature_repo.home import Home
from pipelines.inspection.database import reading

_DAYS = 7
"""Newest days with slates that are counted."""


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
