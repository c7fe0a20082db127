-- How often a query is asked and how often its answers please.
--
-- Grain:  one row per query and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_rankings, stg_interactions

select
    query_key,
    seen_at,
    bucket,
    part,
    1 as searches,
    0 as clicks

from stg_rankings
where query_key is not null

union all

select
    query_key,
    seen_at,
    bucket,
    part,
    0 as searches,
    clicks

from stg_interactions
where query_key is not null and clicks <> 0
