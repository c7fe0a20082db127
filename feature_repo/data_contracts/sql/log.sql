-- The log as expectations read it.
--
-- Grain:  one row per event; one per request in log_requests
-- Reads:  log_item, log_ranking, log_interaction
-- Params: new_from    -- µs; rows seen later are checked
--         day_from    -- µs; the last day of the log begins after it
--         pointers    -- JSON pointers of the shop's item fields, in their order
--         market      -- position of the field with an item's market, from 1; 0 without one

create temp table items as
select
    event_id,
    item_id,
    op,
    json_extract(
        case when op = 'upsert' and json_valid(fields) then fields::json else '{}'::json end,
        $pointers
    ) as reported,
    epoch_us(seen_at) as seen_us,
    row_number() over (partition by item_id order by seen_at, event_id) = 1 as is_first
from log_item;

create temp table item_markets as
select
    item_id,
    coalesce(as_list(arg_max(reported[$market], seen_us))[1], as_text(arg_max(reported[$market], seen_us)))
        as market
from items
where reported[$market] is not null
group by item_id;

create temp table requests as
select
    request_id,
    arg_min(market, seen_at) as market
from log_ranking
group by request_id;

create temp view rankings as
select
    event_id,
    request_id,
    user_id,
    session_id,
    market,
    items,
    epoch_us(seen_at) as seen_us
from log_ranking;

create temp view interactions as
select
    interactions.event_id,
    interactions.item_id,
    interactions.request_id,
    interactions.type,
    requests.market,
    interactions.corrects,
    epoch_us(interactions.seen_at) as seen_us
from log_interaction as interactions
left join requests using (request_id)
-- Decisions of bandits, and their rewards, are not about items.
where interactions.type not in ('decision', 'reward');
