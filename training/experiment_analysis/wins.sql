-- Which of two variants that filled pages together the clicks of each unit credit.
--
-- A click on an item of the answer credits the variant that took the item's position; one on an item that
-- both would have taken, or that was pinned, credits none.  A unit is won by the variant with more credit.
-- An interaction that expresses interest counts once an item and request; a corrected one does not.
--
-- Grain:  win_units, one row per unit; drafts, one row per seed
-- Reads:  log_served, stg_interactions
-- Params: path -- of the experiment, in the JSON `experiments`
--         control, candidate -- names of the variants
--         start, until -- µs or null; the end is excluded

create temp table interleaved as

select
    request_id,
    json_extract_string(experiments, getvariable('path') || '[1]') as unit_kind,
    case when unit_kind = 'user' then user_id else session_id end as unit_id,
    epoch_us(event_time) as exposed_at,
    market,
    seed,
    teams,
    items

from log_served
where json_extract_string(experiments, getvariable('path') || '[0]') = 'interleaved'
    and unit_id is not null
    and epoch_us(event_time) >= coalesce(getvariable('start'), 0)
    and (getvariable('until') is null or epoch_us(event_time) < getvariable('until'))
qualify row_number() over (partition by request_id order by seen_at desc, event_id) = 1;

create temp table win_units as

with

clicked as (

    select
        request_id,
        item_id

    from stg_interactions
    where is_positive
        and (getvariable('until') is null or event_time < getvariable('until'))
    group by all
    having sum(sign) > 0

),

positions as (

    select
        request_id,
        unnest(items).item_id as item_id,
        unnest(teams) as team

    from interleaved

),

credits as (

    select
        request_id,
        count(*) filter (where team = getvariable('control')) as control,
        count(*) filter (where team = getvariable('candidate')) as candidate,
        count(*) as clicks

    from positions
    inner join clicked using (request_id, item_id)
    group by all

)

select
    unit_kind,
    unit_id,
    arg_min(market, (exposed_at, request_id)) as market,
    min(exposed_at) // 86400000000 as day,
    min(exposed_at) as first_exposed_at,
    max(exposed_at) as last_exposed_at,
    count(*) as exposures,
    coalesce(sum(clicks), 0) as clicks,
    coalesce(sum(control), 0) as control,
    coalesce(sum(candidate), 0) as candidate

from interleaved
left join credits using (request_id)
group by all;

-- Who took the first position that one of both took; the pages of one seed are one draw.
create temp table drafts as

select
    seed,
    arg_min(list_filter(teams, lambda team : team != '')[1], (exposed_at, request_id)) as first_team

from interleaved
where seed is not null and list_any_value(list_filter(teams, lambda team : team != '')) is not null
group by all;
