"""Bots: users, and sessions without a user, with more events on a day than the shop allows."""

from pathlib import Path

import duckdb
import pyarrow as pa

from feature_repo.events.contract import DECISION, REWARD
from feature_repo.events.log.partitions import list_relations
from feature_repo.home import DAY

_SENT = """
select
    if(user_id is null, 'session', 'user') as entity,
    coalesce(user_id, session_id) as id,
    epoch_us(event_time) // $day as day,
    count(*) as events

from ({sources})
where id is not null
group by all
having count(*) > $events_per_day
order by events desc, entity, id, day
"""

_SOURCES = {
    "ranking": "select user_id, session_id, event_time from read_parquet($ranking)",
    "interaction": (
        "select user_id, session_id, event_time from read_parquet($interaction) "
        f"where type not in ('{DECISION}', '{REWARD}')"
    ),
}
"""Kind of event → SQL of those that count."""

NO_BOTS = pa.table(
    {
        "entity": pa.nulls(0, pa.string()),
        "id": pa.nulls(0, pa.string()),
        "day": pa.nulls(0, pa.int64()),
        "events": pa.nulls(0, pa.int64()),
    }
)


def find_bots(log: Path, events_per_day: int) -> pa.Table:
    """Return a row for each bot and day: entity, id, day (since 1970, UTC) and events, most first.

    An event counts for the user that it names, else for the session that it names.  Decisions of
    bandits and their rewards do not count: the platform makes one for each slot of a page.

    Args:
        log: folder of the log, whose compacted rankings and interactions are read.
        events_per_day: an entity with more on a day is a bot on that day.
    """
    files = {kind: [str(p) for p in list_relations(log / "compacted", kind)] for kind in _SOURCES}
    present = {kind: paths for kind, paths in files.items() if paths}
    if not present:
        return NO_BOTS
    sql = _SENT.format(sources=" union all ".join(_SOURCES[kind] for kind in present))
    parameters = {**present, "day": DAY, "events_per_day": events_per_day}
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        return db.sql(sql, params=parameters).to_arrow_table()
