-- What is usual in a market: the measure of all that is relative to it.
--
-- Grain:  one row per market and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_impressions, stg_rankings, stg_interactions

select
    market,
    seen_at,
    bucket,
    part,
    1 as impressions

from stg_impressions

union all by name

select
    market,
    seen_at,
    bucket,
    part,
    1 as searches

from stg_rankings

union all by name

select
    market,
    seen_at,
    bucket,
    part,
    sign as clicks,
    if(type = 'add_to_cart', sign, 0) as carts,
    if(type = 'purchase', sign, 0) as orders,
    if(type = 'purchase', sign * amount, 0) as revenue,
    if(type = 'purchase' and sign < 0, 1, 0) as returns

from stg_interactions
where market is not null and is_positive
