-- Links of sessions to users, and unlinks: a slate or interaction that names both is a link, but a
-- correction is none.
--
-- Grain:  one row per event that links or unlinks; no user after an unlink
-- Reads:  log_ranking, log_interaction, log_user, old_links

select
    event_id,
    session_id,
    user_id,
    part,
    epoch_us(seen_at) as seen_at

from log_ranking
where session_id is not null and user_id is not null

union all by name

select
    event_id,
    session_id,
    user_id,
    part,
    epoch_us(seen_at) as seen_at

from log_interaction
where session_id is not null and user_id is not null and corrects is null

union all by name

select
    event_id,
    session_id,
    if(op = 'link', user_id, null) as user_id,
    part,
    epoch_us(seen_at) as seen_at

from log_user
where op in ('link', 'unlink') and session_id is not null

union all by name

from old_links
anti join (
    select event_id from log_ranking
    union all
    select event_id from log_interaction
    union all
    select event_id from log_user
) using (event_id)
