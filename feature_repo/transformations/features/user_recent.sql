-- The items a user clicked last and was shown last, newest first, with what was known of them then.
--
-- Grain:  one row per user and instant at which the user clicked or was shown something
-- Reads:  stg_interactions, stg_impressions, item_attributes
-- Params: k_clicked, k_shown -- entries a row carries at most
--         slice, slices -- which users: wide rows are built a slice at a time, for flat memory
--         known, blocks, spans, arrays -- lines per taste field of the shop: see templates.py

with

seen as (

    select
        user_id,
        item_id,
        'clicked' as verb,
        getvariable('k_clicked') as most,
        part,
        seen_at,
        row_number() over (partition by user_id order by seen_at, event_id) as place

    from stg_interactions
    where
        is_positive
        and sign = 1
        and user_id is not null
        and hash(user_id) % getvariable('slices') = getvariable('slice')

    union all

    select
        user_id,
        item_id,
        'shown' as verb,
        getvariable('k_shown') as most,
        part,
        seen_at,
        row_number() over (partition by user_id order by seen_at, event_id, position desc) as place

    from stg_impressions
    where user_id is not null and hash(user_id) % getvariable('slices') = getvariable('slice')

),

known as (

    select
        seen.user_id,
        seen.item_id,
        seen.verb,
        seen.most,
        seen.seen_at,
        seen.place,
        $known

    from seen
    asof left join item_attributes
        on seen.item_id = item_attributes.item_id
        and make_timestamptz(seen.seen_at) >= item_attributes.event_timestamp

),

-- The last `most` entries up to any place lie in the place's block and the one before it.
blocks as (

    select
        user_id,
        verb,
        place // most as block,
        max(place) as newest,
        list(item_id order by place desc) as item_ids,
        list(seen_at order by place desc) as instants,
        $blocks

    from known
    group by user_id, verb, block

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

ends as (

    select
        user_id,
        seen_at,
        'clicked' as verb,
        clicked::bigint as place,
        getvariable('k_clicked') as most

    from instants

    union all

    select
        user_id,
        seen_at,
        'shown' as verb,
        shown::bigint as place,
        getvariable('k_shown') as most

    from instants

),

spans as (

    select
        ends.user_id,
        ends.seen_at,
        ends.verb,
        this.newest - ends.place + 1 as first,
        this.newest - ends.place + ends.most as last,
        list_concat(this.item_ids, before.item_ids) as item_ids,
        list_concat(this.instants, before.instants) as instants,
        $spans

    from ends
    inner join blocks as this
        on ends.user_id = this.user_id
        and ends.verb = this.verb
        and ends.place // ends.most = this.block
    left join blocks as before
        on ends.user_id = before.user_id
        and ends.verb = before.verb
        and ends.place // ends.most - 1 = before.block

)

select
    instants.user_id,
    make_timestamptz(instants.seen_at + 1) as event_timestamp,
    make_timestamptz(instants.seen_at + 1) as created_timestamp,
    $arrays
    instants.part

from instants
left join spans as clicked
    on instants.user_id = clicked.user_id
    and instants.seen_at = clicked.seen_at
    and clicked.verb = 'clicked'
left join spans as shown
    on instants.user_id = shown.user_id
    and instants.seen_at = shown.seen_at
    and shown.verb = 'shown'
order by instants.user_id, event_timestamp
