-- Attributes of an item: upserts merge by field, null removes one, a delete hides the item.  Of each
-- attribute the newest value by event time counts, of those seen so far; at equal times the last
-- seen.  So a late event replaces no newer value.
--
-- Grain:  one row per item and instant of an event that names it
-- Reads:  stg_items, incremental_item_attributes
-- Params: since -- rows up to it exist already
--         pointers, mentioned, previous, newest, merged, typed, event_times -- a line per attribute, see
--         feature_repo/views/attributes.py

with

reported as (

    select
        *,
        json_extract(fields, $pointers) as reported

    from stg_items

),

mentioned as (

    select
        item_id,
        event_id,
        part,
        seen_at,
        $mentioned
        {'value': op = 'delete', 'event_time': event_time} as value_is_deleted

    from reported

    union all by name

    select
        item_id,
        '' as event_id,
        part,
        $previous
        epoch_us(event_timestamp) - 1 as seen_at

    from incremental_item_attributes
    where item_id in (select item_id from stg_items)

),

dated as (

    select
        *,
        $newest

    from mentioned
    window so_far as (partition by item_id order by seen_at, event_id rows unbounded preceding)

),

merged as (

    select
        item_id,
        event_id,
        max(part) over so_far as part,
        seen_at,
        $merged

    from dated
    window so_far as (partition by item_id order by seen_at, event_id rows unbounded preceding)

),

settled as (

    select *
    from merged
    qualify row_number() over (partition by item_id, seen_at order by event_id desc) = 1

)

select
    item_id,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    $typed
    $event_times
    part

from settled
where seen_at > getvariable('since')
order by item_id, event_timestamp
