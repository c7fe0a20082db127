-- Impressions and interactions of a user or session.
--
-- Grain:  one row per entity and event; `counts.sql` turns these deltas into counts
-- Reads:  <entity>_impressions, <entity>_interactions
-- Params: entity, key -- user or session, and its join key

select
    $key,
    seen_at,
    bucket,
    part,
    1 as impressions

from ${entity}_impressions

union all by name

select
    $key,
    seen_at,
    bucket,
    part,
    if(type = 'view', sign, 0) as views,
    if(is_positive, sign, 0) as clicks,
    if(type = 'add_to_cart', sign, 0) as carts,
    if(type = 'purchase', sign, 0) as orders,
    if(type = 'purchase', sign * amount, 0) as revenue,
    if(type = 'purchase' and sign < 0, 1, 0) as returns

from ${entity}_interactions
where is_positive or type = 'view'
