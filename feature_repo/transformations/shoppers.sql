-- The events of users and of sessions.
--
-- A user or session has an event from `seen_at` on; it was seen at `happened_at`.  These differ if a
-- link or a merge gave the event to the user later.

create temp view user_impressions as

select
    user_id,
    event_id,
    item_id,
    position,
    bucket,
    part,
    seen_at,
    seen_at as happened_at

from stg_impressions
where user_id is not null

union all by name

from stg_linked_impressions;

create temp view session_impressions as

select
    *,
    seen_at as happened_at

from stg_impressions
where session_id is not null;

create temp view user_interactions as

select
    user_id,
    event_id,
    item_id,
    type,
    bucket,
    sign,
    is_positive,
    amount,
    part,
    seen_at,
    seen_at as happened_at

from stg_interactions
where user_id is not null

union all by name

from stg_linked_interactions;

create temp view session_interactions as

select
    *,
    seen_at as happened_at

from stg_interactions
where session_id is not null;

create temp view user_firsts as

select
    user_id,
    part,
    seen_at,
    seen_at as happened_at

from stg_user_first_seen

union all by name

select
    user_id,
    part,
    seen_at,
    happened_at

from stg_attributions;

create temp view session_firsts as

select
    session_id,
    part,
    seen_at,
    seen_at as happened_at

from stg_session_first_seen;
