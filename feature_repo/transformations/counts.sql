-- Turns the deltas of a counted view into counts that are exact at any instant.
--
-- An event counts from the microsecond after it was seen; it leaves a window of W days at the
-- midnight W days after its bucket began, or at once where that is over, and never leaves `all`.
-- Each such instant becomes a row, so the newest row at or before any instant holds the counts of
-- that instant, however long ago it was written.
--
-- What a window counts is all that came less what left it.  What comes is summed up event by event;
-- what leaves, once a day for nearly all, so that three windows cost little more than none.
--
-- Grain:  one row per entity and instant at which one of its counts changes
-- Reads:  deltas (the view's own SQL), windows
-- Params: key -- the entity's join key
--         summed, come, leaving, gone, counts -- a line per measure or count: see templates.py

with

-- What was seen after its day was over leaves no window before it was seen.
daily as (

    select
        $key,
        bucket,
        case when (seen_at + 1) // 86400000000 > bucket then seen_at + 1 end as late_at,
        $summed

    from deltas
    group by $key, bucket, late_at

),

leaving as (

    select
        $key,
        greatest((bucket + days) * 86400000000, late_at) as changed_at,
        $leaving

    from daily
    cross join windows
    where days is not null
    group by $key, changed_at

),

gone as (

    select
        $key,
        $gone
        changed_at

    from leaving
    window so_far as (partition by $key order by changed_at rows unbounded preceding)

),

changes as (

    select
        $key,
        changed_at,
        $summed
        max(part) as part

    from (
        select *, seen_at + 1 as changed_at from deltas
        union all by name
        select $key, changed_at from leaving
    )
    group by $key, changed_at

),

come as (

    select
        $key,
        changed_at,
        $come
        max(part) over so_far as part

    from changes
    window so_far as (partition by $key order by changed_at rows unbounded preceding)

)

select
    come.$key,
    make_timestamptz(come.changed_at) as event_timestamp,
    make_timestamptz(come.changed_at) as created_timestamp,
    $counts
    come.part

from come
asof left join gone
    on come.$key = gone.$key
    and come.changed_at >= gone.changed_at
order by come.$key, event_timestamp
