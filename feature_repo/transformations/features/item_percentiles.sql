-- Percentiles of an item within its category and its brand, once a day: at midnight UTC, after each
-- day with an event of the shop.
--
-- Grain:  one row per item and midnight that changes one of its features
-- Reads:  stg_items, stg_rankings, stg_impressions, stg_interactions, item_attributes,
--         item_engagement, item_examined, incremental_item_percentiles
-- Params: since -- rows up to it exist already
--         latest -- when the last event of these rows was seen
--         last_seal -- events before a later midnight may still arrive
--         groups, compared, features -- lines for the roles of the shop's fields, see
--         feature_repo/views/percentiles.py

with

midnights as (

    select distinct (seen_at // 86400000000 + 1) * 86400000000 as effective_at
    from (
        select seen_at from stg_items
        union all
        select seen_at from stg_rankings
        union all
        -- A request that is reported again may show more items than before.
        select seen_at from stg_impressions
        union all
        select seen_at from stg_interactions
        union all
        select getvariable('latest')::bigint as seen_at
    )
    where effective_at > getvariable('since') + 1 and effective_at <= getvariable('last_seal') + 1

),

items as (

    select item_id from item_attributes
    union
    select item_id from item_engagement

),

examined as (

    select
        item_id,
        effective_at,
        (sum(examined) over (partition by item_id order by effective_at))::bigint as impressions

    from item_examined

),

joined as (

    select
        items.item_id,
        midnights.effective_at,
        $groups
        coalesce(examined.impressions, 0) as examined_impressions,
        coalesce(engagement.impressions_all, 0) as impressions,
        coalesce(engagement.clicks_all, 0) as clicks,
        coalesce(engagement.clicks_30d, 0) as clicks_30d,
        greatest(attributes.part, engagement.part) as part

    from items
    cross join midnights
    asof left join item_attributes as attributes
        on items.item_id = attributes.item_id
        and make_timestamptz(midnights.effective_at) >= attributes.event_timestamp
    asof left join item_engagement as engagement
        on items.item_id = engagement.item_id
        and make_timestamptz(midnights.effective_at) >= engagement.event_timestamp
    asof left join examined
        on items.item_id = examined.item_id
        and midnights.effective_at >= examined.effective_at
    where attributes.part is not null or engagement.part is not null

),

compared as (

    select
        item_id,
        effective_at,
        part,
        $compared
        examined_impressions

    from joined

),

hashed as (

    select
        *,
        hash($features) as features_hash

    from (
        select * from compared
        union all by name
        select
            item_id,
            epoch_us(event_timestamp) as effective_at,
            part,
            $features
        from incremental_item_percentiles
    )

),

changed as (

    select *
    from hashed
    qualify
        features_hash is distinct from
        lag(features_hash) over (partition by item_id order by effective_at)

)

select
    item_id,
    make_timestamptz(effective_at) as event_timestamp,
    make_timestamptz(effective_at) as created_timestamp,
    $features,
    part

from changed
where effective_at > getvariable('since') + 1
order by item_id, event_timestamp
