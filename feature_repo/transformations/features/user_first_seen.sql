-- When the first event of a user was seen.
--
-- Grain:  one row per user
-- Reads:  stg_first_seen, incremental_user_first_seen

select
    user_id,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    seen_at as first_seen_at,
    part

from stg_first_seen
anti join incremental_user_first_seen using (user_id)
order by user_id
