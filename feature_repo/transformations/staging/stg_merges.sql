-- Merges of one user's history into another's.
--
-- Grain:  one row per event
-- Reads:  log_user, old_merges

select
    event_id,
    from_user_id as user_id,
    user_id as into_user_id,
    part,
    epoch_us(seen_at) as seen_at

from log_user
where op = 'merge' and from_user_id is not null

union all by name

from old_merges
