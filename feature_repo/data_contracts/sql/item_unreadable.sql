-- A value of the field can be read as its declared type.
--
-- Grain:  one row per event with a value
-- Reads:  items, item_markets
-- Params: position -- of the field in the shop's declaration, from 1
--         reader   -- macro that reads a value of its type

select
    market,
    seen_us // 86400000000 as day,
    'item event ' || event_id as id,
    value as found,
    $reader(value) is not null as holds

from (
    select
        items.*,
        market,
        reported[$position] as value

    from items
    left join item_markets using (item_id)
    where seen_us > getvariable('new_from')
)
where json_type(value) != 'NULL' and value != '""'
