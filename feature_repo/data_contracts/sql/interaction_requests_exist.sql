-- The request id of an interaction belongs to a ranking or an answer of the service.
--
-- Grain:  one row per interaction with a request id
-- Reads:  interactions, requests, answers

select
    interactions.market,
    seen_us // 86400000000 as day,
    'interaction ' || event_id as id,
    request_id as found,
    request_id in (select request_id from requests)
    or request_id in (select request_id from answers) as holds

from interactions
where request_id is not null and seen_us > getvariable('new_from')
