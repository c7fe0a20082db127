-- A market has about as many events on the last day as on a median day of the 28 days before.
--
-- Grain:  one row per market; none without a week of history and 50 events on a median day
-- Reads:  rankings, interactions
-- Params: kind -- ranking or interaction

with

days as (

    select
        coalesce(market, 'default') as market,
        (getvariable('day_from') + 86400000000 - seen_us) // 86400000000 as days_ago,
        count(*) as events

    from ${kind}s
    where seen_us > getvariable('day_from') - 28 * 86400000000
    group by all

),

medians as (

    select
        market,
        coalesce(max(events) filter (where days_ago = 0), 0) as today,
        median(events) filter (where days_ago > 0) as usual

    from days
    group by market
    having count(*) filter (where days_ago > 0) >= 7 and usual >= 50

)

select
    market,
    null as day,
    'market ' || market as id,
    today || ' on the last day, ' || usual || ' on a median day' as found,
    today between usual / 5 and usual * 5 as holds

from medians
