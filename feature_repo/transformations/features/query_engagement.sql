-- Searches, empty searches and interactions of a query.
--
-- Grain:  one row per query and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_rankings, stg_interactions

select
    query_key,
    seen_at,
    bucket,
    part,
    1 as searches,
    if(is_empty, 1, 0) as zero_results

from stg_rankings
where query_key is not null

union all by name

select
    query_key,
    seen_at,
    bucket,
    part,
    sign as clicks,
    if(type = 'add_to_cart', sign, 0) as carts,
    if(type = 'purchase', sign, 0) as orders,
    if(type = 'purchase', sign * amount, 0) as revenue

from stg_interactions
where query_key is not null and is_positive
