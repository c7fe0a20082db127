-- How shoppers responded to an item when it was shown to them.
--
-- Grain:  one row per item and event; `counts.sql` turns these deltas into counts
-- Reads:  stg_impressions, stg_interactions

select
    item_id,
    seen_at,
    bucket,
    part,
    1 as impressions,
    0 as clicks

from stg_impressions

union all

select
    item_id,
    seen_at,
    bucket,
    part,
    0 as impressions,
    clicks

from stg_interactions
where clicks <> 0
