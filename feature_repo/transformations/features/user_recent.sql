-- The items a user clicked last and was shown last, newest first, with what was known of them then.
--
-- Grain:  one row per user and instant at which the user clicked or was shown something
-- Reads:  stg_interactions, stg_impressions, item_attributes, carried_user_recent
-- Params: k_clicked, k_shown -- entries a row carries at most
--         slice, slices -- which users: wide rows are built a slice at a time, for flat memory
--         known, again_*, blocks, spans, arrays -- lines per taste field of the shop: see templates.py

with

before as (

    select *
    from carried_user_recent
    where hash(user_id) % getvariable('slices') = getvariable('slice')

),

seen as (

    select
        user_id,
        item_id,
        'clicked' as verb,
        getvariable('k_clicked') as most,
        stg.part,
        seen_at,
        coalesce(len(before.clicked_item_ids), 0)
        + row_number() over (partition by user_id order by seen_at, event_id) as place

    from stg_interactions as stg
    left join before using (user_id)
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
        stg.part,
        seen_at,
        coalesce(len(before.shown_item_ids), 0)
        + row_number() over (
            partition by user_id order by seen_at, event_id, position desc
        ) as place

    from stg_impressions as stg
    left join before using (user_id)
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

    union all by name

    select
        user_id,
        unnest(clicked_item_ids) as item_id,
        'clicked' as verb,
        getvariable('k_clicked') as most,
        unnest(clicked_at) as seen_at,
        $again_clicked
        len(clicked_item_ids) + 1 - generate_subscripts(clicked_item_ids, 1) as place

    from before

    union all by name

    select
        user_id,
        unnest(shown_item_ids) as item_id,
        'shown' as verb,
        getvariable('k_shown') as most,
        unnest(shown_at) as seen_at,
        $again_shown
        len(shown_item_ids) + 1 - generate_subscripts(shown_item_ids, 1) as place

    from before

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
        max(max(place) filter (where verb = 'clicked')) over so_far as clicked,
        max(max(place) filter (where verb = 'shown')) over so_far as shown,
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
        coalesce(clicked, len(before.clicked_item_ids), 0) as place,
        getvariable('k_clicked') as most

    from instants
    left join before using (user_id)

    union all

    select
        user_id,
        seen_at,
        'shown' as verb,
        coalesce(shown, len(before.shown_item_ids), 0) as place,
        getvariable('k_shown') as most

    from instants
    left join before using (user_id)

),

spans as (

    select
        ends.user_id,
        ends.seen_at,
        ends.verb,
        this.newest - ends.place + 1 as first,
        this.newest - ends.place + ends.most as last,
        list_concat(this.item_ids, previous.item_ids) as item_ids,
        list_concat(this.instants, previous.instants) as instants,
        $spans

    from ends
    inner join blocks as this
        on ends.user_id = this.user_id
        and ends.verb = this.verb
        and ends.place // ends.most = this.block
    left join blocks as previous
        on ends.user_id = previous.user_id
        and ends.verb = previous.verb
        and ends.place // ends.most - 1 = previous.block

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
