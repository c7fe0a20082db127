-- Purchases of a user, by the midnight from which requests may use them.
--
-- Grain:  one row per user, item and midnight; `event_timestamp` is when the user was last changed
-- Reads:  user_interactions, incremental_user_days

with

daily as (

    select
        user_id,
        item_id,
        (seen_at // 86400000000 + 1) * 86400000000 as effective_at,
        sum(sign)::bigint as orders,
        max(happened_at) filter (where sign = 1) as bought_at,
        max(part) as part,
        make_timestamptz(max(seen_at) + 1) as event_timestamp

    from user_interactions
    where type = 'purchase'
    group by user_id, item_id, effective_at

    union all by name

    select *
    from incremental_user_days

)

select
    user_id,
    item_id,
    effective_at,
    sum(orders)::bigint as orders,
    max(bought_at) as bought_at,
    max(part) as part,
    max(max(event_timestamp)) over (partition by user_id) as event_timestamp

from daily
group by user_id, item_id, effective_at
