-- A ranking names a user or a session.
--
-- Grain:  one row per ranking; none where the history, before the last day, has fewer than 20 or lacks both in
--         a tenth of them
-- Reads:  rankings

with

history as (

    select avg((user_id is null and session_id is null)::int) as missing_share
    from rankings
    where seen_us <= getvariable('day_from')
    having count(*) >= 20 and missing_share < 0.1

)

select
    market,
    seen_us // 86400000000 as day,
    'ranking ' || event_id as id,
    'neither user nor session' as found,
    user_id is not null or session_id is not null as holds

from rankings, history
where seen_us > getvariable('new_from')
