-- Where an item stands among those it is sold beside, as serving gets it: once a day, at midnight
-- UTC, after each day on which anything happened in the shop.
--
-- Grain:  one row per item and such a midnight at which something about it is not as before
-- Reads:  stg_items, stg_rankings, stg_impressions, stg_interactions, item_attributes,
--         item_engagement, item_examined, carried_item_percentiles
-- Params: since -- rows up to it are written already
--         latest -- when the last event was seen that rows up to then tell of
--         last_seal -- a midnight after it is not yet known in full
--         known, compared, told -- lines for the roles the shop's fields have: see templates.py

with

midnights as (

    select distinct (seen_at // 86400000000 + 1) * 86400000000 as known_at
    from (
        select seen_at from stg_items
        union all
        select seen_at from stg_rankings
        union all
        -- A request reported again may show more items than it first did.
        select seen_at from stg_impressions
        union all
        select seen_at from stg_interactions
        union all
        select getvariable('latest')::bigint as seen_at
    )
    where known_at > getvariable('since') + 1 and known_at <= getvariable('last_seal') + 1

),

items as (

    select item_id from item_attributes
    union
    select item_id from item_engagement

),

examined_by as (

    select
        item_id,
        known_at,
        (sum(examined) over (partition by item_id order by known_at))::bigint as examined

    from item_examined

),

known as (

    select
        items.item_id,
        midnights.known_at,
        $known
        coalesce(examined_by.examined, 0) as examined_impressions,
        coalesce(engagement.impressions_all, 0) as impressions,
        coalesce(engagement.clicks_all, 0) as clicks,
        coalesce(engagement.clicks_30d, 0) as clicks_30d,
        greatest(attributes.part, engagement.part) as part

    from items
    cross join midnights
    asof left join item_attributes as attributes
        on items.item_id = attributes.item_id
        and make_timestamptz(midnights.known_at) >= attributes.event_timestamp
    asof left join item_engagement as engagement
        on items.item_id = engagement.item_id
        and make_timestamptz(midnights.known_at) >= engagement.event_timestamp
    asof left join examined_by
        on items.item_id = examined_by.item_id
        and midnights.known_at >= examined_by.known_at
    where attributes.part is not null or engagement.part is not null

),

compared as (

    select
        item_id,
        known_at,
        part,
        $compared
        examined_impressions

    from known

),

told as (

    select
        *,
        hash($told) as standing

    from (
        select * from compared
        union all by name
        select
            item_id,
            epoch_us(event_timestamp) as known_at,
            part,
            $told
        from carried_item_percentiles
    )

),

changed as (

    select *
    from told
    qualify standing is distinct from lag(standing) over (partition by item_id order by known_at)

)

select
    item_id,
    make_timestamptz(known_at) as event_timestamp,
    make_timestamptz(known_at) as created_timestamp,
    $told,
    part

from changed
where known_at > getvariable('since') + 1
order by item_id, event_timestamp
