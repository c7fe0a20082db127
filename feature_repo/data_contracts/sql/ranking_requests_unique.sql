-- A request id belongs to one ranking event.
--
-- Grain:  one row per ranking
-- Reads:  rankings

select
    market,
    seen_us // 86400000000 as day,
    'ranking ' || event_id as id,
    request_id as found,
    row_number() over (partition by request_id order by seen_us, event_id) = 1 as holds

from rankings
qualify seen_us > getvariable('new_from')
