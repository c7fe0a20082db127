-- Items that were shown.  An item shown twice for one request counts once, as first seen.
--
-- Grain:  one row per request and item
-- Reads:  log_ranking

with

shown as (

    select
        event_id,
        request_id,
        user_id,
        session_id,
        market,
        query_key,
        unnest(items).item_id as item_id,
        generate_subscripts(items, 1) as position,
        part,
        epoch_us(event_time) // 86400000000 as bucket,
        epoch_us(seen_at) as seen_at

    from log_ranking

)

select *

from shown
qualify row_number() over (
    partition by request_id, item_id
    order by seen_at, event_id, position
) = 1
