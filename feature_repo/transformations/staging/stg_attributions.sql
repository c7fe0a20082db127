-- Users to whom an event belongs by a link or a merge, in addition to the user that it names.
--
-- An event without a user belongs to the owner of its session, or to the next owner from the link on.
-- A correction belongs to whom its event belongs.  What belongs to a merged user belongs to the other
-- one too, from the merge on.
--
-- Grain:  one row per event and user
-- Reads:  stg_interactions, stg_links, merge_chains, log_ranking

with

events as (

    select
        event_id,
        user_id,
        session_id,
        corrects,
        part,
        seen_at

    from stg_interactions

    union all

    select
        event_id,
        user_id,
        session_id,
        null as corrects,
        part,
        epoch_us(seen_at) as seen_at

    from log_ranking

),

nameless as (

    select *
    from events
    where user_id is null and session_id is not null and corrects is null

),

changes as (

    select
        *,
        false as is_link

    from nameless

    union all by name

    select
        *,
        true as is_link

    from stg_links
    where session_id in (select session_id from nameless)

),

links as (

    select
        *,
        last_value(if(is_link, {'user_id': user_id}, null) ignore nulls) over (
            in_order rows between unbounded preceding and current row
        ) as last,
        first_value(
            if(user_id is not null, {'user_id': user_id, 'seen_at': seen_at, 'part': part}, null)
            ignore nulls
        ) over (in_order rows between current row and unbounded following) as next

    from changes
    window in_order as (partition by session_id order by seen_at, event_id)

),

owned as (

    select
        event_id,
        seen_at as happened_at,
        coalesce(last.user_id, next.user_id) as user_id,
        if(last.user_id is null, next.seen_at, seen_at) as seen_at,
        if(last.user_id is null, next.part, part) as part

    from links
    where not is_link and coalesce(last.user_id, next.user_id) is not null

),

corrections as (

    select
        events.event_id,
        events.seen_at as happened_at,
        owned.user_id,
        greatest(owned.seen_at, events.seen_at) as seen_at,
        greatest(owned.part, events.part) as part

    from events
    inner join owned
        on events.corrects = owned.event_id
        and events.seen_at >= owned.happened_at
    where events.user_id is null

),

linked as (

    select *
    from owned

    union all by name

    select *
    from corrections

),

mergeable as (

    select *
    from linked

    union all by name

    select
        event_id,
        user_id,
        seen_at as happened_at,
        seen_at,
        part

    from events
    where user_id is not null

)

select *
from linked

union all by name

select
    mergeable.event_id,
    merge_chains.into_user_id as user_id,
    mergeable.happened_at,
    greatest(mergeable.seen_at, merge_chains.seen_at) as seen_at,
    greatest(mergeable.part, merge_chains.part) as part

from mergeable
inner join merge_chains using (user_id)
