-- Grain:  one row per instant, surface and ranker that answered in the hour before
-- Reads:  instants, answers

select
    instant,
    surface,
    variant,
    avg(is_degraded::int) as value

from instants
inner join answers on seen_us <= instant and seen_us > instant - 3600000000
group by all
