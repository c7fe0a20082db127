-- A row of a view meets a condition.
--
-- Grain:  one row per row of the view that is new
-- Reads:  rows_<view>
-- Params: view, key, condition

select
    null as market,
    null as day,
    if(holds, null, coalesce($key, 'null') || ' at ' || coalesce(event_timestamp::varchar, 'null')) as id,
    if(holds, null, left(to_json(checked)::varchar, 500)) as found,
    holds

from (
    select
        *,
        coalesce($condition, false) as holds

    from rows_$view
    where event_timestamp is null or epoch_us(event_timestamp) > getvariable('new_from')
) as checked
