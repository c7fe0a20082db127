-- Grain:  one row per instant and window
-- Reads:  instants, windows, exposures

select
    instant,
    label as "window",
    coalesce(sum(shown), 0) as value

from instants
cross join windows
left join exposures on seen_us <= instant and seen_us > instant - length
group by all
