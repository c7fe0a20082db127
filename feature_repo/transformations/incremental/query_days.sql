-- Merge the days that are over: no later row needs them separately.
--
-- Grain:  one row per query and item, and one more for the current day
-- Reads:  query_days

select
    query_key,
    item_id,
    max(effective_at) as effective_at,
    sum(clicks)::bigint as clicks,
    sum(impressions)::bigint as impressions,
    max(part) as part,
    max(event_timestamp) as event_timestamp

from query_days
group by query_key, item_id, effective_at > getvariable('last_seal') + 1
