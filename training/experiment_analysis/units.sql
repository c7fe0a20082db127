-- What each unit of an experiment did, before and after its first exposure.
--
-- A unit is a user or a session that the experiment treated.  What it does after its first exposure
-- counts, whether or not the event names a treated request; clicks on slates count on treated slates
-- alone.  A unit that saw two variants stays with the first, as assigned.
--
-- Grain:  unit_rows, one row per unit; unit_days, one row per unit and day with an exposure or an outcome
-- Reads:  treated, log_ranking, log_served, stg_interactions
-- Params: until -- instant from which nothing counts, or null
--         before -- µs before the first exposure whose events are the covariates
--         minor_units -- minor units of an amount's unit

create temp table first_exposures as

select
    unit_kind,
    unit_id,
    arg_min(variant, (exposed_at, request_id)) as variant,
    arg_min(market, (exposed_at, request_id)) as market,
    arg_min(device, (exposed_at, request_id)) as device,
    min(exposed_at) as exposed_at,
    count(distinct variant) > 1 as has_switched

from treated
group by all;

create temp table slates as

select
    rankings.request_id,
    rankings.user_id,
    rankings.session_id,
    epoch_us(rankings.event_time) as shown_at,
    list_transform(rankings.items, lambda item : item.item_id) as item_ids,
    answers.request_id is null as is_lost

from log_ranking as rankings
left join (select distinct request_id from log_served) as answers
    on rankings.request_id = answers.request_id
qualify row_number() over (partition by rankings.request_id order by rankings.seen_at, rankings.event_id) = 1;

-- Clicked items of slates, by their position.
create temp table slate_clicks as

with

clicked as (

    select
        interactions.request_id,
        list_position(slates.item_ids, interactions.item_id) as position

    from stg_interactions as interactions
    inner join slates
        on interactions.request_id = slates.request_id
    where interactions.is_positive
        and (getvariable('until') is null or interactions.event_time < getvariable('until'))
    group by all
    having sum(interactions.sign) > 0 and position is not null

)

select
    request_id,
    count(*) as clicks,
    coalesce(sum(1 / log2(position + 1)) filter (where position <= 10), 0)
    / list_sum(list_transform(range(1, least(count(*), 10) + 1), lambda n : 1 / log2(n + 1))) as ndcg

from clicked
group by all;

-- Two joins by one key each: DuckDB would compare every unit with every slate for a key of both.
create temp table unit_slates as

with

of_units as (

    select units.unit_kind, units.unit_id, units.exposed_at, slates.*
    from first_exposures as units
    inner join slates
        on units.unit_id = slates.user_id
    where units.unit_kind = 'user'

    union all by name

    select units.unit_kind, units.unit_id, units.exposed_at, slates.*
    from first_exposures as units
    inner join slates
        on units.unit_id = slates.session_id
    where units.unit_kind = 'session'

)

select
    of_units.unit_kind,
    of_units.unit_id,
    of_units.shown_at,
    of_units.shown_at >= of_units.exposed_at as is_after,
    of_units.is_lost,
    len(of_units.item_ids) as impressions,
    coalesce(clicks.clicks, 0) as clicks

from of_units
left join slate_clicks as clicks
    on of_units.request_id = clicks.request_id
where of_units.shown_at >= of_units.exposed_at - getvariable('before')
    and (getvariable('until') is null or of_units.shown_at < getvariable('until'));

create temp table unit_interactions as

with

of_units as (

    select units.unit_kind, units.unit_id, units.exposed_at, interactions.*
    from first_exposures as units
    inner join stg_interactions as interactions
        on units.unit_id = interactions.user_id
    where units.unit_kind = 'user'

    union all by name

    select units.unit_kind, units.unit_id, units.exposed_at, interactions.*
    from first_exposures as units
    inner join stg_interactions as interactions
        on units.unit_id = interactions.session_id
    where units.unit_kind = 'session'

)

select
    unit_kind,
    unit_id,
    event_time,
    event_time >= exposed_at as is_after,
    case when type = 'click' then sign else 0 end as clicks,
    case when type = 'add_to_cart' then sign else 0 end as carts,
    case when type = 'purchase' then sign else 0 end as orders,
    case when type = 'purchase' then sign * amount else 0 end / getvariable('minor_units') as revenue

from of_units
where event_time >= exposed_at - getvariable('before')
    and (getvariable('until') is null or event_time < getvariable('until'));

create temp table unit_days as

with

parts as (

    select
        treated.unit_kind,
        treated.unit_id,
        treated.exposed_at // 86400000000 as day,
        1 as exposures,
        treated.is_search::int as searches,
        (treated.is_search and treated.is_empty)::int as empty_searches,
        treated.is_degraded::int as degraded,
        coalesce(treated.took_ms, 0) as took_ms,
        (treated.took_ms is not null)::int as timed_answers,
        coalesce(len(slates.item_ids), 0) as impressions,
        coalesce(clicks.clicks, 0) as slate_clicks,
        coalesce(clicks.ndcg, 0) as ndcg_sum,
        (clicks.request_id is not null)::int as clicked_slates

    from treated
    left join slates
        on treated.request_id = slates.request_id
    left join slate_clicks as clicks
        on treated.request_id = clicks.request_id

    union all by name

    select unit_kind, unit_id, event_time // 86400000000 as day, clicks, carts, orders, revenue
    from unit_interactions
    where is_after

    union all by name

    select unit_kind, unit_id, shown_at // 86400000000 as day, 1 as slates, is_lost::int as lost_slates
    from unit_slates
    where is_after

)

select
    unit_kind,
    unit_id,
    day,
    coalesce(sum(exposures), 0)::double as exposures,
    coalesce(sum(searches), 0)::double as searches,
    coalesce(sum(empty_searches), 0)::double as empty_searches,
    coalesce(sum(degraded), 0)::double as degraded,
    coalesce(sum(took_ms), 0)::double as took_ms,
    coalesce(sum(timed_answers), 0)::double as timed_answers,
    coalesce(sum(impressions), 0)::double as impressions,
    coalesce(sum(slate_clicks), 0)::double as slate_clicks,
    coalesce(sum(ndcg_sum), 0)::double as ndcg_sum,
    coalesce(sum(clicked_slates), 0)::double as clicked_slates,
    coalesce(sum(slates), 0)::double as slates,
    coalesce(sum(lost_slates), 0)::double as lost_slates,
    coalesce(sum(clicks), 0)::double as clicks,
    coalesce(sum(carts), 0)::double as carts,
    coalesce(sum(orders), 0)::double as orders,
    coalesce(sum(revenue), 0)::double as revenue,
    (coalesce(sum(orders), 0) > 0)::double as has_order

from parts
group by all;

create temp table unit_rows as

with

after_exposure as (

    select
        unit_kind,
        unit_id,
        sum(columns(* exclude (unit_kind, unit_id, day, has_order))),
        (sum(orders) > 0)::double as has_order

    from unit_days
    group by all

),

slates_before as (

    select
        unit_kind,
        unit_id,
        sum(impressions)::double as impressions_before,
        sum(clicks)::double as slate_clicks_before

    from unit_slates
    where not is_after
    group by all

),

interactions_before as (

    select
        unit_kind,
        unit_id,
        sum(clicks)::double as clicks_before,
        sum(carts)::double as carts_before,
        sum(orders)::double as orders_before,
        sum(revenue)::double as revenue_before,
        (sum(orders) > 0)::double as has_order_before

    from unit_interactions
    where not is_after
    group by all

)

select
    units.*,
    slates_before.unit_id is not null or interactions_before.unit_id is not null as is_warm,
    after_exposure.* exclude (unit_kind, unit_id),
    coalesce(impressions_before, 0) as impressions_before,
    coalesce(slate_clicks_before, 0) as slate_clicks_before,
    coalesce(clicks_before, 0) as clicks_before,
    coalesce(carts_before, 0) as carts_before,
    coalesce(orders_before, 0) as orders_before,
    coalesce(revenue_before, 0) as revenue_before,
    coalesce(has_order_before, 0) as has_order_before

from first_exposures as units
inner join after_exposure
    on units.unit_kind = after_exposure.unit_kind
    and units.unit_id = after_exposure.unit_id
left join slates_before
    on units.unit_kind = slates_before.unit_kind
    and units.unit_id = slates_before.unit_id
left join interactions_before
    on units.unit_kind = interactions_before.unit_kind
    and units.unit_id = interactions_before.unit_id;
