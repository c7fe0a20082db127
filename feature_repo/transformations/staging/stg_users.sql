-- Upserts of users, one to one.  Erased users are absent from the log itself.
--
-- Grain:  one row per user event except erasures
-- Reads:  log_user

select
    -- ids
    event_id,
    user_id,

    -- texts
    case when json_valid(fields) then fields::json else '{}'::json end as fields,

    -- numerics
    part,

    -- instants, microseconds since 1970
    epoch_us(event_time) as event_time,
    epoch_us(seen_at) as seen_at

from log_user
where op = 'upsert'
