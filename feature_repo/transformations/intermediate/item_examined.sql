-- How often an item was examined, by the midnight from which requests may use it.
--
-- Shoppers look at a slate from the top to their last click.  An impression counts as examined once a
-- request may use the impression and a click at its position or below.
--
-- Grain:  one row per item and midnight; `event_timestamp` is when the item was last changed
-- Reads:  stg_impressions, stg_interactions, incremental_item_examined
-- Params: since -- impressions examined up to it are in incremental_item_examined

with

clicked as (

    select
        impressions.request_id,
        impressions.position,
        min(greatest(interactions.seen_at, impressions.seen_at)) as seen_at

    from stg_interactions as interactions
    inner join stg_impressions as impressions
        on interactions.request_id = impressions.request_id
        and interactions.item_id = impressions.item_id
    where interactions.is_positive and interactions.sign = 1
    group by impressions.request_id, impressions.position

),

examined as (

    select
        impressions.item_id,
        greatest(impressions.seen_at, min(clicked.seen_at)) as examined_at

    from stg_impressions as impressions
    inner join clicked
        on impressions.request_id = clicked.request_id
        and impressions.position <= clicked.position
    group by impressions.request_id, impressions.item_id, impressions.seen_at
    having examined_at > getvariable('since')

),

daily as (

    select
        item_id,
        (examined_at // 86400000000 + 1) * 86400000000 as effective_at,
        count(*) as examined,
        make_timestamptz(max(examined_at) + 1) as event_timestamp

    from examined
    group by item_id, effective_at

    union all by name

    select *
    from incremental_item_examined

)

select
    item_id,
    effective_at,
    sum(examined)::bigint as examined,
    max(max(event_timestamp)) over (partition by item_id) as event_timestamp

from daily
group by item_id, effective_at
