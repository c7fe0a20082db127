"""Labels: one row for each item of each ranking that was shown.

An interaction labels the item of the ranking that it names.  The strongest interaction counts; a
corrected one does not, and a return is subtracted (`training.dataset.gains`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.events.log import NO_BOTS, find_bots
from feature_repo.home import DAY, Home, NotEnoughError, Shortage
from feature_repo.shop import Shop
from training.dataset.gains import Gains
from training.dataset.sufficiency import BY_RANKING, LEAST_RANKINGS, RANKINGS, shortages

_FOREVER = 1 << 62
"""Longer than any log, in microseconds."""

_SHOWN = """
with

first_shown as (

    select *
    from read_parquet($rankings)
    anti join bots
        on bots.entity = if(user_id is null, 'session', 'user')
        and bots.id = coalesce(user_id, session_id)
        and bots.day = epoch_us(event_time) // $day
    qualify row_number() over (partition by request_id order by seen_at, event_id) = 1

),

shown as (

    select
        request_id, user_id, session_id, query, query_key, market, surface, utc_offset_minutes,
        event_time as t,
        unnest(items).item_id as item_id,
        generate_subscripts(items, 1) as position,
        coalesce(list_min([item.propensity for item in items]) < 1, false)
        and request_id not in (select request_id from interleaved) as randomized

    from first_shown

)

select *
from shown
qualify row_number() over (partition by request_id, item_id order by position) = 1
"""

_OUTCOMES = """
select
    acted.request_id,
    acted.item_id,
    max(map($types, $gains)[acted.type]) as best,
    min(map($types, $gains)[acted.type]) as worst,
    bool_or(acted.type = 'click') as clicked,
    bool_or(acted.type = 'add_to_cart') as carted,
    bool_or(acted.type = 'purchase') as ordered

from read_parquet($interactions) as acted
join ({shown}) as shown using (request_id, item_id)
left join (
    select corrects as event_id, min(event_time) as at
    from read_parquet($interactions)
    where corrects is not null
    group by corrects
) as taken_back using (event_id)
where
    acted.corrects is null
    and epoch_us(acted.event_time) - epoch_us(shown.t) <= $horizon
    and (taken_back.at is null or epoch_us(taken_back.at) - epoch_us(shown.t) > $horizon)
group by acted.request_id, acted.item_id
"""

_NO_OUTCOMES = """
select
    null::varchar as request_id, null::varchar as item_id, 0 as best, 0 as worst,
    false as clicked, false as carted, false as ordered
"""

_LABELLED = """
select
    request_id, user_id, session_id, query, query_key, market, surface, utc_offset_minutes, t,
    item_id, position, randomized,
    greatest(0, greatest(coalesce(best, 0), 0) + least(coalesce(worst, 0), 0))::float as gain,
    coalesce(clicked, false) as clicked,
    coalesce(carted, false) as carted,
    coalesce(ordered, false) as ordered

from ({shown}) as shown
left join ({outcomes}) as outcomes using (request_id, item_id)
where epoch_us(t) <= (select max(epoch_us(event_time)) from read_parquet($events)) - $age
order by t, request_id, position
"""

_COUNTS = """
select
    item_id,
    coalesce(impressions, 0) as impressions,
    greatest(coalesce(clicks, 0), 0) as clicks

from ({impressions}) as shown
full join ({clicks}) as clicked using (item_id)
order by item_id
"""

_IMPRESSIONS = """
select item_id, count(distinct request_id) as impressions
from (select request_id, unnest(items).item_id as item_id from read_parquet($rankings))
group by item_id
"""

_NO_IMPRESSIONS = "select null::varchar as item_id, 0 as impressions where false"

_CLICKS = """
select item_id, count(*) as clicks
from read_parquet($interactions)
where
    list_contains($positive, type)
    and corrects is null
    and event_id not in (
        select corrects from read_parquet($interactions) where corrects is not null
    )
group by item_id
"""

_INTERLEAVED = """
select distinct request_id
from read_parquet($served, union_by_name = true)
where len(teams) > 0
"""

_NO_CLICKS = "select null::varchar as item_id, 0 as clicks where false"


def labelled_rankings(home: Home, gains: Gains | None = None) -> pa.Table:
    """Return rows in (t, request_id, position) order: keys, query, market, position from 1, gain.

    A search without results showed no items and has no row; nor has a bot's, if the shop says so.

    Raises:
        NotEnoughError: the compacted log holds no ranking with items, or none older than the
            horizon.
    """
    gains = gains or Gains()
    rows = _query_labelled(home, gains, "select * from {labelled}")
    if rows is None or not rows.num_rows:
        days = gains.horizon_days
        older = "" if days is None else f" older than the horizon of {days:g} days"
        raise NotEnoughError([Shortage(RANKINGS + older, 0, LEAST_RANKINGS)])
    return rows


def missing_labels(home: Home) -> Sequence[Shortage]:
    """Return what the compacted log lacks to learn a ranker from it."""
    undecided = BY_RANKING.format(labelled="(select *, null as split from {labelled})")
    by_ranking = _query_labelled(home, Gains(), undecided)
    return [Shortage(RANKINGS, 0, LEAST_RANKINGS)] if by_ranking is None else shortages(by_ranking)


def _query_labelled(home: Home, gains: Gains, sql: str) -> pa.Table | None:
    """Run a query over `{labelled}`, the labelled items of all rankings; None without a ranking."""
    rankings, interactions = compacted(home, "ranking"), compacted(home, "interaction")
    if not rankings:
        return None
    outcomes = _OUTCOMES.format(shown=_SHOWN) if interactions else _NO_OUTCOMES
    days = gains.horizon_days
    parameters = {
        "rankings": rankings,
        "interactions": interactions,
        "events": rankings + interactions,
        "types": list(gains.worth),
        "gains": list(gains.worth.values()),
        "horizon": _FOREVER if days is None else int(days * DAY),
        "age": 0 if days is None else int(days * DAY),
        "day": DAY,
    }
    labelled = _LABELLED.format(shown=_SHOWN, outcomes=outcomes)
    tables = {"bots": bots_to_skip(home), "interleaved": interleaved_requests(home)}
    return _run(sql.format(labelled=f"({labelled})"), parameters, tables)


def item_counts(home: Home) -> pa.Table:
    """Count impressions and clicks of every item that was shown or clicked in the compacted log."""
    rankings, interactions = compacted(home, "ranking"), compacted(home, "interaction")
    parameters = {
        "rankings": rankings,
        "interactions": interactions,
        "positive": list(POSITIVE_TYPES),
    }
    sql = _COUNTS.format(
        impressions=_IMPRESSIONS if rankings else _NO_IMPRESSIONS,
        clicks=_CLICKS if interactions else _NO_CLICKS,
    )
    return _run(sql, parameters, {"bots": NO_BOTS})


def compacted(home: Home, kind: str) -> list[str]:
    """Return the files of one kind in the compacted log, oldest first."""
    folder: Path = home.log / "compacted" / kind
    return [str(path) for path in sorted(folder.glob("day=*/part-*.parquet"))]


def bots_to_skip(home: Home) -> pa.Table:
    """Return the bots and days whose events the shop does not count; see `find_bots`."""
    rule = Shop.load(home.shop_toml).bots
    return NO_BOTS if rule.count else find_bots(home.log, rule.events_per_day)


def interleaved_requests(home: Home) -> pa.Table:
    """Return the requests whose pages two rankers drafted: a few coins are no random order."""
    files = [path for path in compacted(home, "served") if "teams" in pq.read_schema(path).names]
    if not files:
        return pa.table({"request_id": pa.array([], pa.string())})
    with duckdb.connect() as db:
        return db.sql(_INTERLEAVED, params={"served": files}).to_arrow_table()


def _run(sql: str, parameters: Mapping[str, object], tables: Mapping[str, pa.Table]) -> pa.Table:
    used = {name: value for name, value in parameters.items() if f"${name}" in sql}
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        for name, table in tables.items():
            db.register(name, table)
        return db.sql(sql, params=used).to_arrow_table()
