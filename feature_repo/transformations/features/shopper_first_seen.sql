-- When the first event of a user or session was seen.  A link can make an earlier event known.
--
-- Grain:  one row per entity, and one for each link that makes an earlier event known
-- Reads:  <entity>_firsts, incremental_<entity>_first_seen
-- Params: since -- rows up to it exist already
--         entity, key -- user or session, and its join key

with

firsts as (

    select
        $key,
        seen_at,
        min(happened_at) as happened_at,
        max(part) as part

    from ${entity}_firsts
    group by $key, seen_at

    union all

    select
        $key,
        epoch_us(event_timestamp) - 1 as seen_at,
        first_seen_at as happened_at,
        part

    from incremental_${entity}_first_seen

),

earliest as (

    select *
    from firsts
    qualify happened_at < coalesce(
        min(happened_at) over (
            partition by $key order by seen_at rows between unbounded preceding and 1 preceding
        ),
        9223372036854775807
    )

)

select
    $key,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    happened_at as first_seen_at,
    part

from earliest
where seen_at > getvariable('since')
order by $key, event_timestamp
