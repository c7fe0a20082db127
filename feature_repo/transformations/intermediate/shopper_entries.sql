-- Clicks and impressions of users or sessions, with the values of the items as of that time.
--
-- An entry joins a list when it becomes known, usually as the newest.  A link makes older entries
-- known: the list restarts with the newest ones known then, in order, as a new block.  So the list
-- at any instant is a run of one block.  Entries are ordered by when they happened, then by when
-- they became known.
--
-- `position` numbers all entries of a verb: entities in order, the newest block of each first, and
-- the newest entry of each block first.
--
-- Grain:  one row per entry of a block
-- Reads:  <entity>_interactions, <entity>_impressions, item_attributes, incremental_<entity>_recent
-- Params: slice, slices -- which entities: one slice at a time, to bound the memory
--         k_clicked, k_shown -- entries of a list at most
--         entity, key -- user or session, and its join key
--         values, previous_* -- lines per taste field of the shop, see templates.py

with

seen as (

    select
        $key,
        item_id,
        'clicked' as verb,
        0 as place,
        event_id,
        part,
        seen_at,
        happened_at

    from ${entity}_interactions
    where
        is_positive
        and sign = 1
        and hash($key) % getvariable('slices') = getvariable('slice')

    union all

    select
        $key,
        item_id,
        'shown' as verb,
        -position as place,
        event_id,
        part,
        seen_at,
        happened_at

    from ${entity}_impressions
    where hash($key) % getvariable('slices') = getvariable('slice')

),

previous as (

    select *
    from incremental_${entity}_recent
    where hash($key) % getvariable('slices') = getvariable('slice')

),

entries as (

    select
        seen.* exclude (item_id),
        struct_pack(
            item_ids := seen.item_id,
            at := seen.happened_at
            $values
        ) as entry

    from seen
    asof left join item_attributes
        on seen.item_id = item_attributes.item_id
        and make_timestamptz(seen.happened_at) >= item_attributes.event_timestamp

    union all by name

    select
        $key,
        'clicked' as verb,
        -generate_subscripts(clicked_item_ids, 1) as place,
        '' as event_id,
        unnest(clicked_at) as seen_at,
        unnest(clicked_at) as happened_at,
        struct_pack(
            item_ids := unnest(clicked_item_ids),
            at := unnest(clicked_at)
            $previous_clicked
        ) as entry

    from previous

    union all by name

    select
        $key,
        'shown' as verb,
        -generate_subscripts(shown_item_ids, 1) as place,
        '' as event_id,
        unnest(shown_at) as seen_at,
        unnest(shown_at) as happened_at,
        struct_pack(
            item_ids := unnest(shown_item_ids),
            at := unnest(shown_at)
            $previous_shown
        ) as entry

    from previous

),

restarts as (

    select
        $key,
        verb,
        seen_at as block,
        max(part) as part

    from entries
    where happened_at < seen_at
    group by $key, verb, block

),

ranked as (

    select
        *,
        row_number() over (
            partition by $key, verb order by happened_at, seen_at, event_id, place
        ) as rank

    from entries
    semi join restarts using ($key, verb)

),

happened as (

    select
        $key,
        verb,
        happened_at,
        max(rank) as entries

    from ranked
    group by $key, verb, happened_at

),

known as (

    select
        $key,
        verb,
        seen_at,
        (sum(count(*)) over (partition by $key, verb order by seen_at))::bigint as entries

    from ranked
    group by $key, verb, seen_at

),

-- Of the last entries that have happened, as many are not yet known as the two counts differ.
newest as (

    select
        restarts.$key,
        restarts.verb,
        restarts.block,
        restarts.part,
        if(restarts.verb = 'clicked', getvariable('k_clicked'), getvariable('k_shown')) as most,
        unnest(range(greatest(known.entries - most, 0) + 1, happened.entries + 1)) as rank

    from restarts
    asof inner join happened
        on restarts.$key = happened.$key
        and restarts.verb = happened.verb
        and restarts.block >= happened.happened_at
    asof inner join known
        on restarts.$key = known.$key
        and restarts.verb = known.verb
        and restarts.block >= known.seen_at

),

restarted as (

    select
        ranked.* exclude (rank, seen_at, part),
        ranked.seen_at as known_at,
        newest.block,
        newest.block as seen_at,
        newest.part

    from newest
    inner join ranked using ($key, verb, rank)
    where ranked.seen_at <= newest.block
    qualify row_number() over (
        partition by newest.$key, newest.verb, newest.block order by newest.rank desc
    ) <= newest.most

),

blocks as (

    select
        *,
        seen_at as known_at,
        -1 as block

    from entries
    anti join restarts using ($key, verb)

    union all by name

    select
        entries.*,
        entries.seen_at as known_at,
        coalesce(restarts.block, -1) as block

    from (from entries semi join restarts using ($key, verb)) as entries
    asof left join restarts
        on entries.$key = restarts.$key
        and entries.verb = restarts.verb
        and entries.seen_at >= restarts.block
    where restarts.block is null or entries.seen_at > restarts.block

    union all by name

    from restarted

)

select
    *,
    row_number() over (
        partition by verb
        order by $key, block desc, happened_at desc, known_at desc, event_id desc, place desc
    ) - 1 as position

from blocks
