-- Interactions with items.  A missing user, session, query or market comes from the ranking that the
-- interaction names.  A correction takes everything but its id and instant from the event that it
-- corrects.  Only the first correction of an event is a row; one of an unknown event, or of a correction,
-- is none.  An amount in another currency than the shop's counts as 0.
--
-- Grain:  one row per interaction event that counts
-- Reads:  log_interaction, stg_rankings
-- Params: positive_types -- types of interactions that express interest in an item

with

interactions as (

    select
        *,
        epoch_us(event_time) as event_us,
        epoch_us(seen_at) as seen_us

    from log_interaction

),

counted as (

    select
        *,
        seen_us as stated_at,
        1 as sign

    from interactions
    where corrects is null

    union all by name

    select
        corrected.* replace (
            corrections.event_id as event_id,
            corrections.corrects as corrects,
            corrections.part as part,
            corrections.seen_us as seen_us
        ),
        corrected.seen_us as stated_at,
        -1 as sign

    from interactions as corrections
    inner join interactions as corrected
        on corrections.corrects = corrected.event_id
        and corrected.corrects is null
        and corrected.seen_us <= corrections.seen_us
    qualify row_number() over (
        partition by corrections.corrects
        order by corrections.seen_us, corrections.event_id
    ) = 1

)

select
    -- ids
    counted.event_id,
    counted.corrects,
    counted.item_id,
    counted.request_id,
    coalesce(counted.user_id, rankings.user_id) as user_id,
    coalesce(counted.session_id, rankings.session_id) as session_id,
    rankings.query_key,
    case when counted.type in ('decision', 'reward') then counted.decision ->> '$$.arm_key' end as arm_key,

    -- texts
    counted.type,
    rankings.market,

    -- numerics
    counted.part,
    counted.event_us // 86400000000 as bucket,
    counted.sign,
    list_contains(getvariable('positive_types'), counted.type) as is_positive,
    coalesce(minor_units(case when counted.currency is null then counted.value end), 0) as amount,

    -- instants, microseconds since 1970
    counted.event_us as event_time,
    counted.seen_us as seen_at

from counted
left join stg_rankings as rankings
    on counted.request_id = rankings.request_id
    and rankings.seen_at <= counted.stated_at
