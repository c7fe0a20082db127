-- Decisions for an arm of a bandit, and their rewards.
--
-- Grain:  one row per arm and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_interactions

select
    arm_key,
    seen_at,
    bucket,
    part,
    if(type = 'decision', sign, 0) as decisions,
    if(type = 'reward', sign, 0) as rewards

from stg_interactions
where arm_key is not null
