-- Impressions and interactions of an item.
--
-- Grain:  one row per item and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_impressions, stg_interactions

select
    item_id,
    seen_at,
    bucket,
    part,
    1 as impressions

from stg_impressions

union all by name

select
    item_id,
    seen_at,
    bucket,
    part,
    if(type = 'view', sign, 0) as views,
    if(is_positive, sign, 0) as clicks,
    if(type = 'add_to_cart', sign, 0) as carts,
    if(type = 'purchase', sign, 0) as orders,
    if(type = 'purchase', sign * amount, 0) as revenue,
    if(type = 'purchase' and sign < 0, 1, 0) as returns

from stg_interactions
where is_positive or type = 'view'
