-- Attributes of an item: upserts merge by field, null removes one, a delete hides the item until
-- the next upsert.
--
-- Grain:  one row per item and instant of an event that names it
-- Reads:  stg_items, incremental_item_attributes
-- Params: since -- rows up to it exist already
--         mentioned, previous, merged, typed -- a line per field of the shop, see
--         feature_repo/views/attributes.py

with

mentioned as (

    select
        item_id,
        event_id,
        op,
        part,
        seen_at,
        $mentioned

    from stg_items

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

merged as (

    select
        item_id,
        event_id,
        op,
        max(part) over so_far as part,
        seen_at,
        $merged

    from mentioned
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
    op = 'delete' as is_deleted,
    part

from settled
where seen_at > getvariable('since')
order by item_id, event_timestamp
