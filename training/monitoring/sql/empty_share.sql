-- Grain:  one row per instant and window with searches
-- Reads:  instants, windows, exposures

select
    instant,
    label as "window",
    avg((shown = 0)::int) as value

from instants
cross join windows
inner join exposures on seen_us <= instant and seen_us > instant - length and is_search
group by all
