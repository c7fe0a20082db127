-- Turns the deltas of a counted view into counts that are exact at any instant.
--
-- An event counts from the microsecond after it was seen, in each window its bucket is still in; it
-- leaves a window of W days at the midnight W days after its bucket began, and never leaves `all`.
-- Each such instant becomes a row of running sums, so the newest row at or before any instant holds
-- the counts of that instant, however long ago it was written.
--
-- Grain:  one row per entity and instant at which one of its counts changes
-- Reads:  deltas (the view's own SQL), windows
-- Params: key -- the entity's join key
--         net, running -- a line per count, and measures, negated per measure: see templates.py

with

entering as (

    select
        $key,
        seen_at + 1 as changed_at,
        part,
        bucket,
        days,
        $measures

    from deltas
    cross join windows
    where days is null or bucket + days > (seen_at + 1) // 86400000000

),

leaving as (

    select
        $key,
        (bucket + days) * 86400000000 as changed_at,
        null as part,
        bucket,
        days,
        $negated

    from entering
    where days is not null

),

net as (

    select
        $key,
        changed_at,
        max(part) as part,
        $net

    from (select * from entering union all select * from leaving)
    group by $key, changed_at

)

select
    $key,
    make_timestamptz(changed_at) as event_timestamp,
    make_timestamptz(changed_at) as created_timestamp,
    $running
    max(part) over so_far as part

from net
window so_far as (partition by $key order by changed_at rows unbounded preceding)
order by $key, event_timestamp
