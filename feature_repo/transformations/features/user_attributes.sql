-- Attributes of a user: upserts merge by field, null removes one.  Of each attribute the newest value
-- by event time counts, of those seen so far; at equal times the last seen.
--
-- Grain:  one row per user and instant of an event with a declared field
-- Reads:  stg_users, incremental_user_attributes
-- Params: since -- rows up to it exist already
--         pointers, mentioned, previous, is_mentioned, newest, merged, typed, event_times -- by field, see
--         feature_repo/views/attributes.py

with

reported as (

    select
        *,
        json_extract(fields, $pointers) as reported

    from stg_users

),

mentioned as (

    select
        user_id,
        event_id,
        part,
        seen_at,
        $mentioned

    from reported

    union all by name

    select
        user_id,
        '' as event_id,
        part,
        $previous
        epoch_us(event_timestamp) - 1 as seen_at

    from incremental_user_attributes
    where user_id in (select user_id from stg_users)

),

dated as (

    select
        *,
        $newest

    from mentioned
    where $is_mentioned
    window so_far as (partition by user_id order by seen_at, event_id rows unbounded preceding)

),

merged as (

    select
        user_id,
        event_id,
        max(part) over so_far as part,
        $merged
        seen_at

    from dated
    window so_far as (partition by user_id order by seen_at, event_id rows unbounded preceding)

),

settled as (

    select *
    from merged
    qualify row_number() over (partition by user_id, seen_at order by event_id desc) = 1

)

select
    user_id,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    $typed
    $event_times
    part

from settled
where seen_at > getvariable('since')
order by user_id, event_timestamp
