-- The items shoppers chose after a query, as serving gets them: once a day, at midnight UTC.
--
-- Grain:  one row per query and midnight after a day on which its clicks changed
-- Reads:  query_days, item_attributes
-- Params: since -- rows up to it are written already
--         last_seal -- a midnight after it is not yet known in full
--         k_query_items -- items a row carries at most
--         known, kept -- lines per list, and per field that is remembered of items: see templates.py

with

daily as (

    select query_key, item_id, known_at, clicks, part
    from query_days
    where clicks is not null and known_at <= getvariable('last_seal') + 1

),

weighed as (

    select
        query_key,
        item_id,
        known_at,
        sum(clicks) over so_far as weight,
        lead(known_at, 1, 9223372036854775807) over so_far as replaced_at

    from daily
    window so_far as (partition by query_key, item_id order by known_at)

),

shown as (

    select
        query_key,
        item_id,
        known_at,
        (sum(impressions) over (partition by query_key, item_id order by known_at))::bigint
            as impressions

    from query_days
    where impressions > 0

),

midnights as (

    select
        query_key,
        known_at,
        max(max(part)) over (partition by query_key order by known_at) as part

    from daily
    group by query_key, known_at
    qualify known_at > getvariable('since') + 1

),

ranked as (

    select
        midnights.query_key,
        midnights.known_at,
        weighed.item_id,
        weighed.weight,
        row_number() over (
            partition by midnights.query_key, midnights.known_at
            order by weighed.weight desc, weighed.item_id
        ) as place

    from midnights
    inner join weighed
        on midnights.query_key = weighed.query_key
        and midnights.known_at >= weighed.known_at
        and midnights.known_at < weighed.replaced_at
    where weighed.weight > 0

),

known as (

    select
        ranked.query_key,
        ranked.known_at,
        ranked.place,
        struct_pack(
            clicked_item_keys := ranked.item_id,
            clicked_item_weights := ranked.weight::bigint,
            clicked_item_impressions := coalesce(shown.impressions, 0)
            $known
        ) as item

    from ranked
    asof left join shown
        on ranked.query_key = shown.query_key
        and ranked.item_id = shown.item_id
        and ranked.known_at >= shown.known_at
    asof left join item_attributes
        on ranked.item_id = item_attributes.item_id
        and make_timestamptz(ranked.known_at) >= item_attributes.event_timestamp
    where ranked.place <= getvariable('k_query_items')

),

folded as (

    select
        query_key,
        known_at,
        list(item order by place) as items

    from known
    group by query_key, known_at

)

select
    midnights.query_key,
    make_timestamptz(midnights.known_at) as event_timestamp,
    make_timestamptz(midnights.known_at) as created_timestamp,
    $kept
    midnights.part

from midnights
left join folded
    on midnights.query_key = folded.query_key
    and midnights.known_at = folded.known_at
order by query_key, event_timestamp
