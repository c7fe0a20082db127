-- Sums a counted view's deltas for its tiles: of all time, and by bucket inside the longest window
-- at the instant when the last delta starts to count.
--
-- Events seen up to the last seal are final.  So these sums fill a tile's header and sealed records
-- until the next load, and the next run continues from them.
--
-- Grain:  one row per entity; `event_timestamp` is when the last of its deltas was seen
-- Reads:  deltas (the view's own SQL and `incremental/counts.sql`), windows
-- Params: key -- the entity's join key
--         totals, summed, listed, arrays -- a line per measure, see templates.py

with

sealed as (

    select *
    from deltas
    where seen_at <= getvariable('last_seal')

),

total as (

    select
        $key,
        max(seen_at) + 1 as changed_at,
        $totals
        max(part) as part

    from sealed
    group by $key

),

recent as (

    select
        $key,
        bucket,
        $summed
        sum(events)::bigint as events

    from sealed
    inner join (select $key, changed_at from total) using ($key)
    where bucket > changed_at // 86400000000 - (select max(days) from windows)
    group by $key, bucket

),

folded as (

    select
        $key,
        $listed
        list(events order by bucket) as events,
        list(bucket order by bucket) as buckets

    from recent
    group by $key

)

select
    $key,
    make_timestamptz(changed_at) as event_timestamp,
    part,
    $arrays
    coalesce(events, []) as events,
    coalesce(buckets, []) as buckets

from total
left join folded using ($key)
order by $key
