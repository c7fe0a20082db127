"""Bots: users, and sessions without a user, with more events on a day than the shop allows."""

from pathlib import Path

import duckdb
import pyarrow as pa

from feature_repo.events.log.partitions import list_relations
from feature_repo.home import DAY

_SENT = """
select
    if(user_id is null, 'session', 'user') as entity,
    coalesce(user_id, session_id) as id,
    epoch_us(event_time) // $day as day,
    count(*) as events

from read_parquet($paths, union_by_name := true)
where id is not null
group by all
having count(*) > $events_per_day
order by events desc, entity, id, day
"""

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

    An event counts for the user that it names, else for the session that it names.

    Args:
        log: folder of the log, whose compacted rankings and interactions are read.
        events_per_day: an entity with more on a day is a bot on that day.
    """
    folder = log / "compacted"
    paths = [str(p) for kind in ("ranking", "interaction") for p in list_relations(folder, kind)]
    if not paths:
        return NO_BOTS
    parameters = {"paths": paths, "day": DAY, "events_per_day": events_per_day}
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        return db.sql(_SENT, params=parameters).to_arrow_table()
