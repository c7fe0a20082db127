-- Merge the days that are over: no later row needs them separately.
--
-- Grain:  one row per user and item, and one more for the current day
-- Reads:  user_days

select
    user_id,
    item_id,
    max(effective_at) as effective_at,
    sum(orders)::bigint as orders,
    max(bought_at) as bought_at,
    max(part) as part,
    max(event_timestamp) as event_timestamp

from user_days
group by user_id, item_id, effective_at > getvariable('last_seal') + 1
