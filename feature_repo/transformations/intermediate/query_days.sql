-- Impressions and clicks of a query, by the midnight from which requests may use them.
--
-- Grain:  one row per query, item and midnight; `event_timestamp` is when the query was last changed
-- Reads:  stg_interactions, stg_impressions, incremental_query_days

with

events as (

    select query_key, item_id, seen_at, part, sign as clicks
    from stg_interactions
    where query_key is not null and is_positive

    union all by name

    select query_key, item_id, seen_at, 1 as impressions
    from stg_impressions
    where query_key is not null

),

daily as (

    select
        query_key,
        item_id,
        (seen_at // 86400000000 + 1) * 86400000000 as effective_at,
        sum(clicks)::bigint as clicks,
        coalesce(sum(impressions), 0)::bigint as impressions,
        max(part) as part,
        make_timestamptz(max(seen_at) + 1) as event_timestamp

    from events
    group by query_key, item_id, effective_at

    union all by name

    select *
    from incremental_query_days

)

select
    query_key,
    item_id,
    effective_at,
    sum(clicks)::bigint as clicks,
    sum(impressions)::bigint as impressions,
    max(part) as part,
    max(max(event_timestamp)) over (partition by query_key) as event_timestamp

from daily
group by query_key, item_id, effective_at
