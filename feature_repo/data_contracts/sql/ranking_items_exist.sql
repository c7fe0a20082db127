-- A shown item has an item event.  A log without any item event describes its items nowhere.
--
-- Grain:  one row per shown item
-- Reads:  rankings, log_item

select
    market,
    seen_us // 86400000000 as day,
    'ranking ' || event_id as id,
    shown.item_id as found,
    described.item_id is not null as holds

from (
    select event_id, market, seen_us, unnest(items).item_id as item_id
    from rankings
    where seen_us > getvariable('new_from')
) as shown
left join (select distinct item_id from log_item) as described using (item_id)
where exists (from log_item)
