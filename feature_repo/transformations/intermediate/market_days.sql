-- The events of a market, by the midnight from which requests may use them.
--
-- Grain:  one row per market and midnight, in days since 1970; `event_timestamp` is when the
--         market was last changed
-- Reads:  stg_impressions, stg_rankings, stg_interactions, incremental_market_days
-- Params: summed -- a line per measure, see templates.py

with

events as (

    select market, seen_at, part, 1 as impressions
    from stg_impressions

    union all by name

    select
        market,
        seen_at,
        part,
        1 as searches,
        if(query_key is null, 0, 1) as queries,
        if(is_empty, 1, 0) as zero_results
    from stg_rankings

    union all by name

    select
        market,
        seen_at,
        part,
        sign as clicks,
        if(type = 'add_to_cart', sign, 0) as carts,
        if(type = 'purchase', sign, 0) as orders,
        if(type = 'purchase', sign * amount, 0) as revenue,
        if(type = 'purchase' and sign < 0, 1, 0) as returns
    from stg_interactions
    where market is not null and is_positive

),

daily as (

    select
        market,
        seen_at // 86400000000 + 1 as midnight,
        $summed
        max(part) as part,
        make_timestamptz(max(seen_at) + 1) as event_timestamp

    from events
    group by market, midnight

    union all by name

    select *
    from incremental_market_days

)

select
    market,
    midnight,
    $summed
    max(part) as part,
    max(max(event_timestamp)) over (partition by market) as event_timestamp

from daily
group by market, midnight
