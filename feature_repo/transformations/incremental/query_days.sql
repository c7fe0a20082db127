-- Days that are over are told apart no more.
--
-- Grain:  one row per query and item, and one more for the day that is not over
-- Reads:  query_days

select
    query_key,
    item_id,
    max(known_at) as known_at,
    sum(clicks)::bigint as clicks,
    sum(impressions)::bigint as impressions,
    max(part) as part,
    max(event_timestamp) as event_timestamp

from query_days
group by query_key, item_id, known_at > getvariable('last_seal') + 1
