"""When the shop's items were first seen, in the compacted log."""

import duckdb
import pyarrow as pa

from feature_repo.home import Home
from training.dataset import compacted

_DESCRIBED = "select item_id, seen_at from read_parquet($items)"
_SHOWN = "select unnest(items).item_id as item_id, seen_at from read_parquet($rankings)"
_ACTED_ON = "select item_id, seen_at from read_parquet($interactions)"

_FIRST = """
select item_id, min(epoch_us(seen_at)) as first_seen_at
from ({seen})
group by item_id
order by item_id
"""


def first_seen(home: Home) -> pa.Table:
    """Return each item and the instant of its first event, in µs.

    A shop that sends no item events has the items of its rankings and interactions.
    """
    files = {
        "items": compacted(home, "item"),
        "rankings": compacted(home, "ranking"),
        "interactions": compacted(home, "interaction"),
    }
    if files["items"]:
        queries = {"items": _DESCRIBED}
    else:
        others = {"rankings": _SHOWN, "interactions": _ACTED_ON}
        queries = {kind: sql for kind, sql in others.items() if files[kind]}
    if not queries:
        ids, instants = pa.nulls(0, pa.string()), pa.nulls(0, pa.int64())
        return pa.table({"item_id": ids, "first_seen_at": instants})
    sql = _FIRST.format(seen=" union all ".join(queries.values()))
    with duckdb.connect() as db:
        return db.sql(sql, params={kind: files[kind] for kind in queries}).to_arrow_table()
