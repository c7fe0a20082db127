-- The last clicked and the last shown items of a user, newest first, with their values as of that
-- time: ranges of positions in `user_entries`; `recent_rows.py` builds arrays from them.
--
-- Grain:  one row per user and instant at which the user clicked or was shown something
-- Reads:  user_entries
-- Params: k_clicked, k_shown -- entries of a row at most

with

users as (

    select
        user_id,
        min(position) filter (where verb = 'clicked' and sequence <= 0) as clicked_before,
        min(position) filter (where verb = 'shown' and sequence <= 0) as shown_before,
        coalesce(max(position) filter (where verb = 'clicked') + 1, 0) as clicked_end,
        coalesce(max(position) filter (where verb = 'shown') + 1, 0) as shown_end

    from user_entries
    group by user_id

),

instants as (

    select
        user_id,
        entry.at as seen_at,
        min(min(position) filter (where verb = 'clicked')) over so_far as clicked,
        min(min(position) filter (where verb = 'shown')) over so_far as shown,
        max(max(part)) over so_far as part

    from user_entries
    where sequence > 0
    group by user_id, seen_at
    window so_far as (partition by user_id order by seen_at rows unbounded preceding)

)

select
    user_id,
    make_timestamptz(seen_at + 1) as event_timestamp,
    make_timestamptz(seen_at + 1) as created_timestamp,
    coalesce(clicked, clicked_before, users.clicked_end) as clicked_first,
    least(clicked_first + getvariable('k_clicked'), users.clicked_end) as clicked_end,
    coalesce(shown, shown_before, users.shown_end) as shown_first,
    least(shown_first + getvariable('k_shown'), users.shown_end) as shown_end,
    part

from instants
inner join users using (user_id)
order by user_id, event_timestamp
