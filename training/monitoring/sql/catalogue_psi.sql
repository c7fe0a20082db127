-- Ten buckets with equal numbers of last week's items; an empty bucket counts as half an item.
--
-- Grain:  one row per instant and price with instant least 50 items for sale now and a week ago
-- Reads:  instants, item_rows
-- Params: names, columns -- of the fields of prices

with

numbers as (

    select
        item_id,
        seen_us,
        is_deleted,
        unnest($names) as field,
        unnest([$columns]::double[]) as number

    from item_rows

),

moments as (

    select instant, 'now' as moment, instant as until from instants
    union all
    select instant, 'before', instant - 604800000000 from instants

),

states as (

    select
        moments.instant,
        moments.moment,
        numbers.field,
        arg_max(numbers.number, numbers.seen_us) as number

    from moments
    inner join numbers on numbers.seen_us <= moments.until
    group by moments.instant, moments.moment, numbers.field, numbers.item_id
    having number is not null and not arg_max(numbers.is_deleted, numbers.seen_us)

),

edges as (

    select
        instant,
        field,
        quantile_cont(number, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) as edges

    from states
    where moment = 'before'
    group by all
    having count(*) >= 50

),

buckets as (

    select
        instant,
        field,
        len(list_filter(edges, lambda edge: number > edge)) as bucket,
        count(*) filter (where moment = 'now') as now,
        count(*) filter (where moment = 'before') as before

    from states
    inner join edges using (instant, field)
    group by all

),

shares as (

    select
        instant,
        field,
        greatest(now, 0.5) / sum(now) over (partition by instant, field) as now_share,
        greatest(before, 0.5) / sum(before) over (partition by instant, field) as before_share,
        sum(now) over (partition by instant, field) as items

    from buckets

)

select
    instant,
    field,
    sum((now_share - before_share) * ln(now_share / before_share)) as value

from shares
where items >= 50
group by all
