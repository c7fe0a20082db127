-- Clicks and impressions of users, with the values of the items as of that time.
--
-- `sequence` numbers a user's entries of a verb; the oldest new one has 1, earlier ones 0 and below.
-- `position` numbers all entries of a verb, users in order and the newest of each first.
--
-- Grain:  one row per click and impression of a user, and per entry of an earlier run
-- Reads:  stg_interactions, stg_impressions, item_attributes, incremental_user_recent
-- Params: slice, slices -- which users: one slice at a time, to bound the memory
--         values, previous_* -- lines per taste field of the shop, see templates.py

with

seen as (

    select
        user_id,
        item_id,
        'clicked' as verb,
        part,
        seen_at,
        row_number() over (partition by user_id order by seen_at, event_id) as sequence

    from stg_interactions
    where
        is_positive
        and sign = 1
        and user_id is not null
        and hash(user_id) % getvariable('slices') = getvariable('slice')

    union all

    select
        user_id,
        item_id,
        'shown' as verb,
        part,
        seen_at,
        row_number() over (
            partition by user_id order by seen_at, event_id, position desc
        ) as sequence

    from stg_impressions
    where user_id is not null and hash(user_id) % getvariable('slices') = getvariable('slice')

),

previous as (

    select *
    from incremental_user_recent
    where hash(user_id) % getvariable('slices') = getvariable('slice')

),

entries as (

    select
        seen.user_id,
        seen.verb,
        seen.sequence,
        seen.part,
        struct_pack(
            item_ids := seen.item_id,
            at := seen.seen_at
            $values
        ) as entry

    from seen
    asof left join item_attributes
        on seen.item_id = item_attributes.item_id
        and make_timestamptz(seen.seen_at) >= item_attributes.event_timestamp

    union all

    select
        user_id,
        'clicked' as verb,
        1 - generate_subscripts(clicked_item_ids, 1) as sequence,
        null as part,
        struct_pack(
            item_ids := unnest(clicked_item_ids),
            at := unnest(clicked_at)
            $previous_clicked
        ) as entry

    from previous

    union all

    select
        user_id,
        'shown' as verb,
        1 - generate_subscripts(shown_item_ids, 1) as sequence,
        null as part,
        struct_pack(
            item_ids := unnest(shown_item_ids),
            at := unnest(shown_at)
            $previous_shown
        ) as entry

    from previous

)

select
    *,
    row_number() over (partition by verb order by user_id, sequence desc) - 1 as position

from entries
