-- The events of the hour before let a view expect as many rows an event as in the week before that hour.
--
-- Grain:  one row per instant and live view that may expect instant least 20 rows
-- Reads:  instants, periods

with

sums as (

    select
        instant,
        view,
        sum(rows) filter (where until > instant - 3600000000) as new_rows,
        sum(rows) filter (where until <= instant - 3600000000) as old_rows,
        sum(events) filter (where until > instant - 3600000000) as new_events,
        sum(events) filter (where until <= instant - 3600000000) as old_events

    from instants
    inner join periods on until <= instant and until > instant - 608400000000
    where is_live
    group by all

)

select
    instant,
    view,
    coalesce(new_rows, 0) / expected as value

from (select *, new_events * old_rows / old_events as expected from sums)
where expected >= 20
