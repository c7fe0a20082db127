-- Totals of a market, once per day: at midnight UTC, after each day with an event of the market.
--
-- Grain:  one row per market and midnight after a day with an event
-- Reads:  market_days
-- Params: since -- rows up to it exist already
--         last_seal -- events before a later midnight may still arrive
--         running -- lines per measure, see feature_repo/views/market_baseline.py

with

totals as (

    select
        market,
        midnight * 86400000000 as effective_at,
        $running
        max(part) over so_far as part

    from market_days
    where midnight * 86400000000 <= getvariable('last_seal') + 1
    window
        so_far as (partition by market order by midnight),
        month as (
            partition by market order by midnight range between 29 preceding and current row
        )

)

select
    market,
    make_timestamptz(effective_at) as event_timestamp,
    make_timestamptz(effective_at) as created_timestamp,
    * exclude (market, effective_at)

from totals
where effective_at > getvariable('since') + 1
order by market, event_timestamp
