-- Merge the days that are over: no later row needs them separately.
--
-- Grain:  one row per item, and one more for the current day
-- Reads:  item_examined

select
    item_id,
    max(effective_at) as effective_at,
    sum(examined)::bigint as examined,
    max(event_timestamp) as event_timestamp

from item_examined
group by item_id, effective_at > getvariable('last_seal') + 1
