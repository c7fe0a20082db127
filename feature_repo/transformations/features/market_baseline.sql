-- What is usual in a market, as serving gets it: once a day, at midnight UTC, after each day on
-- which anything happened there.
--
-- Grain:  one row per market and such a midnight
-- Reads:  market_days
-- Params: since -- rows up to it are written already
--         last_seal -- a midnight after it is not yet known in full
--         running -- lines per measure: see templates.py

with

usual as (

    select
        market,
        midnight * 86400000000 as known_at,
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
    make_timestamptz(known_at) as event_timestamp,
    make_timestamptz(known_at) as created_timestamp,
    * exclude (market, known_at)

from usual
where known_at > getvariable('since') + 1
order by market, event_timestamp
