-- An entity has one row at an instant.
--
-- Grain:  one row per row of the view that is new
-- Reads:  rows_<view>
-- Params: view, key

select
    null as market,
    null as day,
    if(rows > 1, $key || ' at ' || event_timestamp, null) as id,
    rows || ' rows at this instant' as found,
    rows = 1 as holds

from (
    select
        $key,
        event_timestamp,
        count(*) as rows

    from rows_$view
    where epoch_us(event_timestamp) > getvariable('new_from')
    group by all
)
