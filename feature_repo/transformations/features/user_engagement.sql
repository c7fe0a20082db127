-- How much a user has seen and how often the user acted on it.
--
-- Grain:  one row per user and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_impressions, stg_interactions

select
    user_id,
    seen_at,
    bucket,
    part,
    1 as impressions,
    0 as clicks

from stg_impressions
where user_id is not null

union all

select
    user_id,
    seen_at,
    bucket,
    part,
    0 as impressions,
    clicks

from stg_interactions
where user_id is not null and clicks <> 0
