-- The last clicked and the last shown items of a user or session, newest first, with their values as
-- of that time: ranges of positions in `shopper_entries`; `recent_rows.py` builds arrays from them.
--
-- Grain:  one row per entity and instant at which an entry became known
-- Reads:  shopper_entries
-- Params: since -- rows up to it exist already
--         k_clicked, k_shown -- entries of a row at most
--         key -- the entity's join key

with

blocks as (

    select
        $key,
        verb,
        block,
        max(position) + 1 as block_end

    from shopper_entries
    group by $key, verb, block

),

instants as (

    select
        $key,
        seen_at,
        min(min(position) filter (where verb = 'clicked')) over so_far as clicked,
        min(min(position) filter (where verb = 'shown')) over so_far as shown,
        max(max(block) filter (where verb = 'clicked')) over so_far as clicked_block,
        max(max(block) filter (where verb = 'shown')) over so_far as shown_block,
        max(max(part)) over so_far as part

    from shopper_entries
    group by $key, seen_at
    window so_far as (partition by $key order by seen_at rows unbounded preceding)

)

select
    instants.$key,
    make_timestamptz(instants.seen_at + 1) as event_timestamp,
    make_timestamptz(instants.seen_at + 1) as created_timestamp,
    coalesce(instants.clicked, 0) as clicked_first,
    coalesce(least(instants.clicked + getvariable('k_clicked'), clicks.block_end), 0) as clicked_end,
    coalesce(instants.shown, 0) as shown_first,
    coalesce(least(instants.shown + getvariable('k_shown'), shows.block_end), 0) as shown_end,
    instants.part

from instants
left join blocks as clicks
    on instants.$key = clicks.$key
    and instants.clicked_block = clicks.block
    and clicks.verb = 'clicked'
left join blocks as shows
    on instants.$key = shows.$key
    and instants.shown_block = shows.block
    and shows.verb = 'shown'
where instants.seen_at > getvariable('since')
order by instants.$key, event_timestamp
