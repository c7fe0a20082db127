-- Interactions with items.  A missing user, query or market comes from the ranking that the interaction
-- names.  A correction counts in the bucket of the event it corrects, if that was seen before.
--
-- Grain:  one row per interaction event
-- Reads:  log_interaction, stg_rankings
-- Params: positive_types -- types of interactions that express interest in an item

with

interactions as (

    select
        *,
        epoch_us(event_time) // 86400000000 as own_bucket,
        epoch_us(seen_at) as seen_us

    from log_interaction

)

select
    -- ids
    interactions.event_id,
    interactions.item_id,
    interactions.request_id,
    coalesce(interactions.user_id, rankings.user_id) as user_id,
    coalesce(interactions.session_id, rankings.session_id) as session_id,
    rankings.query_key,

    -- texts
    interactions.type,
    rankings.market,

    -- numerics
    interactions.part,
    coalesce(corrected.own_bucket, interactions.own_bucket) as bucket,
    if(interactions.corrects is null, 1, -1) as sign,
    list_contains(getvariable('positive_types'), interactions.type) as is_positive,
    coalesce(minor_units(interactions.value), 0) as amount,

    -- instants, microseconds since 1970
    epoch_us(interactions.event_time) as event_time,
    interactions.seen_us as seen_at

from interactions
left join stg_rankings as rankings
    on interactions.request_id = rankings.request_id
    and rankings.seen_at <= interactions.seen_us
left join interactions as corrected
    on interactions.corrects = corrected.event_id
    and corrected.seen_us <= interactions.seen_us
