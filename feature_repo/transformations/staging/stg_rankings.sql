-- Slates that were shown.  A request reported twice counts once, as first seen.  A slate without items
-- is an empty search.
--
-- Grain:  one row per request
-- Reads:  log_ranking

select
    -- ids
    event_id,
    request_id,
    user_id,
    session_id,
    query_key,

    -- texts
    market,

    -- numerics
    part,
    epoch_us(event_time) // 86400000000 as bucket,
    len(items) = 0 as is_empty,

    -- instants, microseconds since 1970
    epoch_us(event_time) as event_time,
    epoch_us(seen_at) as seen_at

from log_ranking
qualify row_number() over (partition by request_id order by seen_at, event_id) = 1
