-- Answers whose order was drawn, whether they were reported as shown, and their clicks.  Interleaved
-- answers are left out: one coin of theirs fills several slots.
--
-- Grain:  one row per request
-- Reads:  log_served, log_ranking, stg_interactions, bots
-- Params: since, until -- instants of the answers, µs; the end is excluded
--         day -- µs

with

answers as (

    select *
    from log_served
    where list_min(list_transform(items, lambda item : item.propensity)) < 1
        and coalesce(len(teams), 0) = 0
        and epoch_us(event_time) >= $since
        and epoch_us(event_time) < $until

),

shown as (

    select
        request_id,
        epoch_us(event_time) as shown_at,
        list_transform(items, lambda item : item.item_id) as shown_ids

    from log_ranking
    anti join bots
        on bots.entity = if(user_id is null, 'session', 'user')
        and bots.id = coalesce(user_id, session_id)
        and bots.day = epoch_us(event_time) // $day
    qualify row_number() over (partition by request_id order by seen_at, event_id) = 1

),

clicked as (

    select request_id, item_id
    from stg_interactions
    where is_positive and request_id is not null
    group by all
    having sum(sign) > 0

),

clicks as (

    select request_id, list(item_id) as clicked_ids
    from clicked
    group by all

)

select
    answers.request_id,
    answers.user_id,
    answers.session_id,
    answers.surface,
    answers.query,
    answers.market,
    answers.utc_offset_minutes,
    epoch_us(answers.event_time) as t,
    answers.temperature,
    list_transform(answers.items, lambda item : item.item_id) as item_ids,
    list_transform(answers.items, lambda item : item.score) as scores,
    list_transform(answers.items, lambda item : item.propensity) as propensities,
    coalesce(answers.considered, []) as considered,
    shown.shown_ids,
    coalesce(clicks.clicked_ids, []) as clicked_ids

from answers
left join shown
    on answers.request_id = shown.request_id
left join clicks
    on answers.request_id = clicks.request_id
-- Of several answers to one request, the nearest in time was shown.
qualify row_number() over (
    partition by answers.request_id
    order by abs(shown.shown_at - t), answers.event_id
) = 1
order by t, answers.request_id
