-- The items that a user bought most, over all time, once per day: at midnight UTC.
--
-- Grain:  one row per user and midnight after a day with a purchase
-- Reads:  user_days
-- Params: since -- rows up to it exist already
--         last_seal -- events before a later midnight may still arrive
--         k_bought -- items of a row at most

with

daily as (

    select *
    from user_days
    where effective_at <= getvariable('last_seal') + 1

),

bought as (

    select
        user_id,
        item_id,
        effective_at,
        (sum(orders) over so_far)::bigint as orders,
        max(bought_at) over so_far as bought_at,
        lead(effective_at, 1, 9223372036854775807) over so_far as replaced_at

    from daily
    window so_far as (partition by user_id, item_id order by effective_at)

),

midnights as (

    select
        user_id,
        effective_at,
        max(max(part)) over (partition by user_id order by effective_at) as part

    from daily
    group by user_id, effective_at
    qualify effective_at > getvariable('since') + 1

),

ranked as (

    select
        midnights.user_id,
        midnights.effective_at,
        bought.item_id,
        bought.orders,
        bought.bought_at,
        row_number() over (
            partition by midnights.user_id, midnights.effective_at
            order by bought.orders desc, bought.bought_at desc, bought.item_id
        ) as rank

    from midnights
    inner join bought
        on midnights.user_id = bought.user_id
        and midnights.effective_at >= bought.effective_at
        and midnights.effective_at < bought.replaced_at
    where bought.orders > 0
    qualify rank <= getvariable('k_bought')

),

folded as (

    select
        user_id,
        effective_at,
        list(item_id order by rank) as item_ids,
        list(orders order by rank) as orders,
        list(bought_at order by rank) as bought_at

    from ranked
    group by user_id, effective_at

)

select
    midnights.user_id,
    make_timestamptz(midnights.effective_at) as event_timestamp,
    make_timestamptz(midnights.effective_at) as created_timestamp,
    coalesce(folded.item_ids, []::varchar[]) as bought_item_ids,
    coalesce(folded.orders, []::bigint[]) as bought_orders,
    coalesce(folded.bought_at, []::bigint[]) as bought_at,
    midnights.part

from midnights
left join folded
    on midnights.user_id = folded.user_id
    and midnights.effective_at = folded.effective_at
order by user_id, event_timestamp
