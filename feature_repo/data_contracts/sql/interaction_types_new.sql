-- The type of an interaction occurs in the history, is built in or is declared.
--
-- Grain:  one row per interaction of the last day; none without a week of history
-- Reads:  interactions
-- Params: types -- built in or declared

with

history as (

    select
        list(distinct type) as types,
        min(seen_us) <= getvariable('day_from') - 7 * 86400000000 as is_long

    from interactions
    where seen_us <= getvariable('day_from')

)

select
    market,
    seen_us // 86400000000 as day,
    'interaction ' || event_id as id,
    type as found,
    type in ($types) or list_contains(history.types, type) as holds

from interactions, history
where history.is_long and seen_us > getvariable('day_from')
