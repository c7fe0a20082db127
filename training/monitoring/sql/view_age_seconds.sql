-- Grain:  one row per instant and view that has rows
-- Reads:  instants, periods

select
    instant,
    view,
    min(instant - newest) / 1e6 as value

from instants
inner join periods on newest <= instant
group by all
