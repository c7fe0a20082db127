-- Impressions and interactions of a user.
--
-- Grain:  one row per user and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_impressions, stg_interactions

select
    user_id,
    seen_at,
    bucket,
    part,
    1 as impressions

from stg_impressions
where user_id is not null

union all by name

select
    user_id,
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
where user_id is not null and (is_positive or type = 'view')
