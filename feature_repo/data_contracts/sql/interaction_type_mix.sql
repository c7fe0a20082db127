-- The share of a type on the last day is near its share in the 28 days before.
--
-- Grain:  one row per market and type; none where either period has fewer than 200 interactions
-- Reads:  interactions

with

counts as (

    select
        coalesce(market, 'default') as market,
        type,
        count(*) filter (where seen_us > getvariable('day_from')) as today,
        count(*) filter (where seen_us <= getvariable('day_from')) as before

    from interactions
    where seen_us > getvariable('day_from') - 28 * 86400000000
    group by all

),

shares as (

    select
        *,
        sum(today) over (partition by market) as all_today,
        sum(before) over (partition by market) as all_before

    from counts
    qualify least(all_today, all_before) >= 200

)

select
    market,
    null as day,
    'type ' || type as id,
    format('{:.0f} % of the last day, {:.0f} % before', 100 * today / all_today, 100 * before / all_before)
        as found,
    abs(today / all_today - before / all_before) <= 0.25 as holds

from shares
