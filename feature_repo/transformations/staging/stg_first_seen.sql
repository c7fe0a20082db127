-- When each user was first seen: in a slate, in an interaction or in an upsert with fields.  A user that
-- an interaction inherits comes from a ranking that was seen before; a correction shows no user.
--
-- Grain:  one row per user
-- Reads:  stg_users, log_ranking, log_interaction

select
    -- ids
    user_id,

    -- numerics
    min(part) as part,

    -- instants, microseconds since 1970
    min(seen_at) as seen_at

from (
    select
        user_id,
        part,
        seen_at

    from stg_users
    where len(json_keys(fields)) > 0

    union all

    select
        user_id,
        part,
        epoch_us(seen_at) as seen_at

    from log_ranking

    union all

    select
        user_id,
        part,
        epoch_us(seen_at) as seen_at

    from log_interaction
    where corrects is null
)
where user_id is not null
group by user_id
