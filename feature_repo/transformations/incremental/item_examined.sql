-- Days that are over are told apart no more.
--
-- Grain:  one row per item, and one more for the day that is not over
-- Reads:  item_examined

select
    item_id,
    max(known_at) as known_at,
    sum(examined)::bigint as examined,
    max(event_timestamp) as event_timestamp

from item_examined
group by item_id, known_at > getvariable('last_seal') + 1
