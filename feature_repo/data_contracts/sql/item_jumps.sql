-- A number of an item stays between a fifth and five times its last value.
--
-- Grain:  one row per change of the number
-- Reads:  items, item_markets
-- Params: position -- of the field in the shop's declaration, from 1

with

numbers as (

    select
        event_id,
        item_id,
        seen_us,
        as_number(reported[$position]) as number

    from items

),

changes as (

    select
        *,
        lag(number) over (partition by item_id order by seen_us, event_id) as number_before

    from numbers
    where number > 0

)

select
    market,
    seen_us // 86400000000 as day,
    'item event ' || event_id as id,
    number_before || ' became ' || number as found,
    number between number_before / 5 and number_before * 5 as holds

from changes
left join item_markets using (item_id)
where number_before is not null and seen_us > getvariable('new_from')
