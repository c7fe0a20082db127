-- A day of a shop in numbers, next to the days before it.
--
-- Grain:  one row per day and market; `day` is of event_time, days since 1970 UTC
-- Reads:  log_ranking, stg_rankings, stg_impressions, stg_interactions
-- Params: day -- the reported day
--         minor_units -- minor units of an amount's unit

create temp table slates as

select
    stg_rankings.request_id,
    stg_rankings.bucket as day,
    stg_rankings.market,
    log_ranking.surface,
    log_ranking.query,
    stg_rankings.query_key,
    stg_rankings.is_empty,
    coalesce(stg_rankings.user_id, stg_rankings.session_id) as shopper,
    clicked.request_id is not null as is_clicked

from stg_rankings
inner join log_ranking
    on stg_rankings.event_id = log_ranking.event_id
left join (
    select request_id
    from stg_interactions
    where is_positive and request_id is not null
    group by all
    having sum(sign) > 0
) as clicked
    on stg_rankings.request_id = clicked.request_id
where stg_rankings.bucket <= getvariable('day');

create temp table daily as

with

parts as (

    select
        day,
        market,
        shopper,
        1 as slates,
        (query_key is not null)::int as searches,
        (query_key is not null and is_empty)::int as empty_searches,
        is_clicked::int as clicked_slates
    from slates

    union all by name

    select bucket as day, market, 1 as impressions
    from stg_impressions
    where bucket <= getvariable('day')

    union all by name

    select
        bucket as day,
        coalesce(market, 'default') as market,
        coalesce(user_id, session_id) as shopper,
        case when type = 'click' then sign else 0 end as clicks,
        case when type = 'add_to_cart' then sign else 0 end as carts,
        case when type = 'purchase' then sign else 0 end as orders,
        case when type = 'purchase' then sign * amount else 0 end as revenue
    from stg_interactions
    where bucket <= getvariable('day')

)

select
    day,
    market,
    count(distinct shopper) as shoppers,
    coalesce(sum(slates), 0) as slates,
    coalesce(sum(searches), 0) as searches,
    coalesce(sum(empty_searches), 0) as empty_searches,
    coalesce(sum(clicked_slates), 0) as clicked_slates,
    coalesce(sum(impressions), 0) as impressions,
    coalesce(sum(clicks), 0) as clicks,
    coalesce(sum(carts), 0) as carts,
    coalesce(sum(orders), 0) as orders,
    coalesce(sum(revenue), 0) / getvariable('minor_units') as revenue

from parts
group by grouping sets ((day, market), (day));

create temp table queries as

select
    market,
    query_key,
    arg_max(query, request_id) as query,
    count(*) filter (where day = getvariable('day')) as searches,
    count(*) filter (where day = getvariable('day') and is_empty) as empty_searches,
    count(*) filter (where day = getvariable('day') and is_clicked) as clicked_searches,
    count(*) filter (where day between getvariable('day') - 7 and getvariable('day') - 1) / 7
        as usual_searches

from slates
where query_key is not null
group by all;
