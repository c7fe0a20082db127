-- Interactions of users by a link or a merge; `happened_at` is when the interaction happened.
--
-- Grain:  one row per interaction and user
-- Reads:  stg_interactions, stg_attributions

select
    attributions.user_id,
    interactions.event_id,
    interactions.item_id,
    interactions.type,
    interactions.bucket,
    interactions.sign,
    interactions.is_positive,
    interactions.amount,
    attributions.part,
    attributions.seen_at,
    attributions.happened_at

from stg_attributions as attributions
inner join stg_interactions as interactions using (event_id)
