"""Read the actions of shoppers from the compacted log, to fit indexes on them."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import DAY, Home
from training.dataset import DEFAULT_GAINS, bots_to_skip, compacted

_ACTIONS = """
create view actions as
with

requests as (

    select *
    from read_parquet($rankings)
    qualify row_number() over (partition by request_id order by seen_at, event_id) = 1

),

counted as (

    select
        acted.event_id,
        acted.item_id,
        coalesce(acted.user_id, requests.user_id) as user_id,
        coalesce(acted.session_id, requests.session_id) as session_id,
        coalesce(requests.market, $default_market) as market,
        requests.query,
        map($types, $gains)[acted.type]::double as gain,
        epoch_us(acted.event_time) as t

    from read_parquet($interactions) as acted
    left join requests using (request_id)
    where
        list_contains($types, acted.type)
        and acted.corrects is null
        and acted.event_id not in (
            select corrects from read_parquet($interactions) where corrects is not null
        )

)

select counted.*
from counted
anti join bots
    on bots.entity = if(user_id is null, 'session', 'user')
    and bots.id = coalesce(user_id, session_id)
    and bots.day = t // $day
"""

_NO_REQUESTS = """
(
    select
        null::varchar as request_id, null::varchar as user_id, null::varchar as session_id,
        null::varchar as market, null::varchar as query
    where false
)
"""
_NO_ACTIONS = """
create view actions as
select
    null::varchar as event_id, null::varchar as item_id, null::varchar as user_id,
    null::varchar as session_id, null::varchar as market, null::varchar as query,
    null::double as gain, null::bigint as t
where false
"""


def read_actions(home: Home, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """Run a query over `actions`: clicks and stronger interactions that were not corrected.

    Bots are left out if the shop says so.
    Columns of `actions`: event_id, item_id, user_id, session_id, market, query, gain, t (µs).

    Args:
        home: whose compacted log is read.
        sql: the query; may also read the tables among the parameters.
        parameters: by name; an Arrow table becomes a table of the query.
    """
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.register("bots", bots_to_skip(home))
        db.execute(_view(home))
        values_by_name = {}
        for name, value in (parameters or {}).items():
            if isinstance(value, pa.Table):
                db.register(name, value)
            else:
                values_by_name[name] = value
        return db.sql(sql, params=values_by_name).to_arrow_table()


def _view(home: Home) -> str:
    """Return the SQL of the view; a view takes no parameters, so its values are literals."""
    rankings, interactions = compacted(home, "ranking"), compacted(home, "interaction")
    if not interactions:
        return _NO_ACTIONS
    sql = _ACTIONS.replace("$interactions", _literal(interactions))
    if not rankings:
        start, end = sql.index("(\n\n    select *"), sql.index("),\n\ncounted as")
        sql = sql[:start] + _NO_REQUESTS.strip() + sql[end + 1 :]
    values = {
        "$rankings": _literal(rankings),
        "$types": _literal(list(DEFAULT_GAINS)),
        "$gains": _literal(list(DEFAULT_GAINS.values())),
        "$default_market": _literal(DEFAULT_MARKET),
        "$day": _literal(DAY),
    }
    for name, value in values.items():
        sql = sql.replace(name, value)
    return sql


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
