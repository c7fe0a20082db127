-- Grain:  one row per instant with instant least 50 rankings and interactions in the hour before
-- Reads:  instants, visitors
-- Params: bot_events -- of a visitor in an hour, from which on it has bots' pace

with

counts as (

    select
        instant,
        visitor,
        count(*) as events

    from instants
    inner join visitors on seen_us <= instant and seen_us > instant - 3600000000
    group by all

)

select
    instant,
    coalesce(sum(events) filter (where events >= $bot_events), 0) / sum(events) as value

from counts
group by instant
having sum(events) >= 50
