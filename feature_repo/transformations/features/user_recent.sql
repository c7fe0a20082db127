-- The items a user clicked last and was shown last, newest first, with what was known of them then.
--
-- Grain:  one row per user and instant at which the user clicked or was shown something
-- Reads:  stg_interactions, stg_impressions, item_attributes
-- Params: k_clicked, k_shown -- entries a row carries at most
--         known, folded, arrays -- lines per taste field of the shop: see templates.py

with

seen as (

    select
        user_id,
        item_id,
        'clicked' as verb,
        part,
        seen_at,
        row_number() over (partition by user_id order by seen_at, event_id) as place

    from stg_interactions
    where user_id is not null and clicks = 1

    union all

    select
        user_id,
        item_id,
        'shown' as verb,
        part,
        seen_at,
        row_number() over (partition by user_id order by seen_at, event_id, position desc) as place

    from stg_impressions
    where user_id is not null

),

known as (

    select
        seen.user_id,
        seen.item_id,
        seen.verb,
        seen.seen_at,
        seen.place,
        $known

    from seen
    asof left join item_attributes
        on seen.item_id = item_attributes.item_id
        and make_timestamptz(seen.seen_at) >= item_attributes.event_timestamp

),

instants as (

    select
        user_id,
        seen_at,
        sum(count(*) filter (where verb = 'clicked')) over so_far as clicked,
        sum(count(*) filter (where verb = 'shown')) over so_far as shown,
        max(max(part)) over so_far as part

    from seen
    group by user_id, seen_at
    window so_far as (partition by user_id order by seen_at rows unbounded preceding)

),

carried as (

    select
        user_id,
        seen_at as changed_at,
        'clicked' as verb,
        unnest(range(greatest(clicked - getvariable('k_clicked'), 0)::bigint + 1, clicked::bigint + 1)) as place

    from instants

    union all

    select
        user_id,
        seen_at as changed_at,
        'shown' as verb,
        unnest(range(greatest(shown - getvariable('k_shown'), 0)::bigint + 1, shown::bigint + 1)) as place

    from instants

),

folded as (

    select
        carried.user_id,
        carried.changed_at,
        carried.verb,
        list(known.item_id order by place desc) as item_ids,
        list(known.seen_at order by place desc) as instants,
        $folded

    from carried
    inner join known using (user_id, verb, place)
    group by carried.user_id, carried.changed_at, carried.verb

)

select
    instants.user_id,
    make_timestamptz(instants.seen_at + 1) as event_timestamp,
    make_timestamptz(instants.seen_at + 1) as created_timestamp,
    $arrays
    instants.part

from instants
left join folded as clicked
    on instants.user_id = clicked.user_id
    and instants.seen_at = clicked.changed_at
    and clicked.verb = 'clicked'
left join folded as shown
    on instants.user_id = shown.user_id
    and instants.seen_at = shown.changed_at
    and shown.verb = 'shown'
order by instants.user_id, event_timestamp
