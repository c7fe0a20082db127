-- The request id of an interaction belongs to a ranking or an answer of the service.  The market is the item's:
-- that of the request is unknown where there is none.
--
-- Grain:  one row per interaction with a request id
-- Reads:  interactions, item_markets, requests, answers

select
    item_markets.market,
    seen_us // 86400000000 as day,
    'interaction ' || event_id as id,
    request_id as found,
    request_id in (select request_id from requests)
    or request_id in (select request_id from answers) as holds

from interactions
left join item_markets using (item_id)
where request_id is not null and seen_us > getvariable('new_from')
