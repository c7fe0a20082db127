-- A number is 0 or more.
--
-- Grain:  one row per event with a number
-- Reads:  items, item_markets
-- Params: position -- of the field in the shop's declaration, from 1

select
    market,
    seen_us // 86400000000 as day,
    'item event ' || event_id as id,
    number as found,
    number >= 0 as holds

from (
    select
        items.*,
        market,
        as_number(reported[$position]) as number

    from items
    left join item_markets using (item_id)
    where seen_us > getvariable('new_from')
)
where number is not null
