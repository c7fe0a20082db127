-- The item of an interaction has an item event.  A log without any item event describes its items nowhere.
--
-- Grain:  one row per interaction
-- Reads:  interactions, log_item

select
    market,
    seen_us // 86400000000 as day,
    'interaction ' || event_id as id,
    interactions.item_id as found,
    described.item_id is not null as holds

from interactions
left join (select distinct item_id from log_item) as described using (item_id)
where seen_us > getvariable('new_from') and exists (from log_item)
