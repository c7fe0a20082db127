-- Impressions of users by a link or a merge; `happened_at` is when the item was shown.
--
-- Grain:  one row per impression and user
-- Reads:  stg_impressions, stg_attributions

select
    attributions.user_id,
    impressions.event_id,
    impressions.item_id,
    impressions.position,
    impressions.bucket,
    attributions.part,
    attributions.seen_at,
    attributions.happened_at

from stg_attributions as attributions
inner join stg_impressions as impressions using (event_id)
