-- Item events, one to one.
--
-- Grain:  one row per item event
-- Reads:  log_item

select
    -- ids
    event_id,
    item_id,

    -- texts
    op,
    case when op = 'upsert' and json_valid(fields) then fields::json else '{}'::json end as fields,

    -- numerics
    part,

    -- instants, microseconds since 1970
    epoch_us(event_time) as event_time,
    epoch_us(seen_at) as seen_at

from log_item
