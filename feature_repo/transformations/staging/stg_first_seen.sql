-- When each user or session was first seen: in a slate, in an interaction or, a user, in an upsert with
-- fields.  An entity that an interaction inherits comes from a ranking that was seen before; a correction
-- shows none.
--
-- Grain:  one row per entity
-- Reads:  stg_users, log_ranking, log_interaction
-- Params: key -- the entity's join key

select
    -- ids
    $key,

    -- numerics
    min(part) as part,

    -- instants, microseconds since 1970
    min(seen_at) as seen_at

from (
    select
        user_id,
        null as session_id,
        part,
        seen_at

    from stg_users
    where len(json_keys(fields)) > 0

    union all

    select
        user_id,
        session_id,
        part,
        epoch_us(seen_at) as seen_at

    from log_ranking

    union all

    select
        user_id,
        session_id,
        part,
        epoch_us(seen_at) as seen_at

    from log_interaction
    where corrects is null
)
where $key is not null
group by $key
