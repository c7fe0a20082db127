-- Grain:  one row per instant and window
-- Reads:  instants, windows, exposures

select
    instant,
    label as "window",
    count(visitor) as value

from instants
cross join windows
left join exposures on seen_us <= instant and seen_us > instant - length and is_search
group by all
