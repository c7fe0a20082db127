-- The user to whom a session belongs: the one of its last link, nobody after an unlink.
--
-- Grain:  one row per session and instant at which its owner changed, or others began to use it
-- Reads:  stg_links, incremental_session_owner
-- Params: since -- rows up to it exist already

with

changes as (

    select
        session_id,
        user_id,
        seen_at,
        event_id,
        part,
        user_id is null as is_shared,
        seen_at as first_linked_at

    from stg_links

    union all by name

    select
        session_id,
        user_id,
        is_shared,
        first_linked_at,
        epoch_us(event_timestamp) - 1 as seen_at,
        '' as event_id,
        part

    from incremental_session_owner

),

-- Sessions of one user, which are almost all.
single as (

    select
        session_id,
        min(user_id) as user_id,
        min(seen_at) as seen_at,
        arg_min(part, seen_at) as part,
        min(first_linked_at) as first_linked_at,
        false as is_shared_now

    from changes
    group by session_id
    having count(user_id) = count(*) and min(user_id) = max(user_id) and not bool_or(is_shared)

),

owners as (

    select
        * replace (min(first_linked_at) over so_far as first_linked_at),
        bool_or(is_shared or user_id <> first_user_id) over so_far as is_shared_now

    from (
        select
            *,
            first_value(user_id ignore nulls) over so_far as first_user_id

        from changes
        anti join single using (session_id)
        window so_far as (partition by session_id order by seen_at, event_id)
    )
    window so_far as (partition by session_id order by seen_at, event_id)

),

settled as (

    select *
    from owners
    qualify row_number() over (partition by session_id, seen_at order by event_id desc) = 1

),

changed as (

    select *
    from settled
    window so_far as (partition by session_id order by seen_at)
    qualify
        row_number() over so_far = 1
        or user_id is distinct from lag(user_id) over so_far
        or is_shared_now <> lag(is_shared_now) over so_far

)

select
    session_id,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    user_id,
    is_shared_now as is_shared,
    first_linked_at,
    part

from (from changed union all by name from single)
where seen_at > getvariable('since')
order by session_id, event_timestamp
