-- Turns the deltas of a counted view into counts that are exact at any instant.
--
-- An event counts from the microsecond after it was seen; it leaves a window of W days at the
-- midnight W days after its bucket began, or when seen if that is later, and never leaves `all`.
-- Each such instant becomes a row, so the newest row at or before any instant has the counts of
-- that instant, even if the row is old.
--
-- A window's count is the sum of all events minus the events that left it.  Events are summed in the
-- order of the rows, across entities: each entity ends with a row at the end of time that subtracts
-- its counts, so the next one starts at 0.  Events leave in daily sums, so three windows cost little
-- more than one.
--
-- Grain:  one row per entity and instant at which one of its counts changes
-- Reads:  deltas (the view's own SQL), windows
-- Params: key -- the entity's join key
--         summed, subtracted, leaving, gone, counts -- a line per measure or count, see templates.py

with

-- An event seen after its day ended leaves no window before it is seen.
daily as (

    select
        $key,
        bucket,
        case when (seen_at + 1) // 86400000000 > bucket then seen_at + 1 end as late_at,
        $summed
        max(seen_at) + 1 as effective_at,
        max(part) as part

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

-- Parts grow with time: an instant without an event has the part of the last event before it.
silent as (

    select
        leaving.$key,
        leaving.changed_at,
        daily.part

    from leaving
    asof inner join daily
        on leaving.$key = daily.$key
        and leaving.changed_at >= daily.effective_at

),

ended as (

    select
        $key,
        9223372036854775807 as changed_at,
        $subtracted

    from daily
    group by $key

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
        from silent
        union all by name
        from ended
    )
    group by $key, changed_at

),

ordered as (

    select
        changes.*,
        gone.* exclude ($key, changed_at)

    from changes
    asof left join gone
        on changes.$key = gone.$key
        and changes.changed_at >= gone.changed_at
    order by changes.$key, changes.changed_at

),

counted as (

    select
        $key,
        changed_at,
        $counts
        part

    from ordered
    window so_far as (rows unbounded preceding)

)

select
    $key,
    make_timestamptz(changed_at) as event_timestamp,
    make_timestamptz(changed_at) as created_timestamp,
    * exclude ($key, changed_at)

from counted
where changed_at < 9223372036854775807
