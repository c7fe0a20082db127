-- Grain:  one row per instant and window with shown items
-- Reads:  instants, windows, exposures

select
    instant,
    label as "window",
    sum(clicks) / sum(shown) as value

from instants
cross join windows
inner join exposures on seen_us <= instant and seen_us > instant - length
group by all
having sum(shown) > 0
