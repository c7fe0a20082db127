-- The items that were clicked after a query, once per day: at midnight UTC.
--
-- Grain:  one row per query and midnight after a day on which its clicks changed
-- Reads:  query_days, item_attributes
-- Params: since -- rows up to it exist already
--         last_seal -- events before a later midnight may still arrive
--         k_query_items -- items of a row at most
--         values, arrays -- lines per field and per array, see feature_repo/views/histories.py

with

daily as (

    select query_key, item_id, effective_at, clicks, part
    from query_days
    where clicks is not null and effective_at <= getvariable('last_seal') + 1

),

weighed as (

    select
        query_key,
        item_id,
        effective_at,
        sum(clicks) over so_far as weight,
        lead(effective_at, 1, 9223372036854775807) over so_far as replaced_at

    from daily
    window so_far as (partition by query_key, item_id order by effective_at)

),

shown as (

    select
        query_key,
        item_id,
        effective_at,
        (sum(impressions) over (partition by query_key, item_id order by effective_at))::bigint
            as impressions

    from query_days
    where impressions > 0

),

midnights as (

    select
        query_key,
        effective_at,
        max(max(part)) over (partition by query_key order by effective_at) as part

    from daily
    group by query_key, effective_at
    qualify effective_at > getvariable('since') + 1

),

ranked as (

    select
        midnights.query_key,
        midnights.effective_at,
        weighed.item_id,
        weighed.weight,
        row_number() over (
            partition by midnights.query_key, midnights.effective_at
            order by weighed.weight desc, weighed.item_id
        ) as rank

    from midnights
    inner join weighed
        on midnights.query_key = weighed.query_key
        and midnights.effective_at >= weighed.effective_at
        and midnights.effective_at < weighed.replaced_at
    where weighed.weight > 0

),

joined as (

    select
        ranked.query_key,
        ranked.effective_at,
        ranked.rank,
        struct_pack(
            clicked_item_keys := ranked.item_id,
            clicked_item_weights := ranked.weight::bigint,
            clicked_item_impressions := coalesce(shown.impressions, 0)
            $values
        ) as item

    from ranked
    asof left join shown
        on ranked.query_key = shown.query_key
        and ranked.item_id = shown.item_id
        and ranked.effective_at >= shown.effective_at
    asof left join item_attributes
        on ranked.item_id = item_attributes.item_id
        and make_timestamptz(ranked.effective_at) >= item_attributes.event_timestamp
    where ranked.rank <= getvariable('k_query_items')

),

folded as (

    select
        query_key,
        effective_at,
        list(item order by rank) as items

    from joined
    group by query_key, effective_at

)

select
    midnights.query_key,
    make_timestamptz(midnights.effective_at) as event_timestamp,
    make_timestamptz(midnights.effective_at) as created_timestamp,
    $arrays
    midnights.part

from midnights
left join folded
    on midnights.query_key = folded.query_key
    and midnights.effective_at = folded.effective_at
order by query_key, event_timestamp
