-- What is usual in a market, as serving gets it: once a day, at midnight UTC, after each day on
-- which anything happened there.
--
-- Grain:  one row per market and such a midnight
-- Reads:  stg_impressions, stg_rankings, stg_interactions
-- Params: last_seal -- a midnight after it is not yet known in full
--         summed, running -- lines per measure: see templates.py

with

happened as (

    select market, seen_at, part, 1 as impressions
    from stg_impressions

    union all by name

    select market, seen_at, part, 1 as searches
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
        max(part) as part

    from happened
    where (seen_at // 86400000000 + 1) * 86400000000 <= getvariable('last_seal') + 1
    group by market, midnight

)

select
    market,
    make_timestamptz(midnight * 86400000000) as event_timestamp,
    make_timestamptz(midnight * 86400000000) as created_timestamp,
    $running
    max(part) over so_far as part

from daily
window
    so_far as (partition by market order by midnight),
    month as (partition by market order by midnight range between 29 preceding and current row)
order by market, event_timestamp
