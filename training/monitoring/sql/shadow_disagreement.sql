-- Grain:  one row per instant and ranker in the shadow of the answers of the hour before
-- Reads:  instants, answers

select
    instant,
    shadow,
    avg((list_position(shadow_scores, list_max(shadow_scores)) != 1)::int) as value

from instants
inner join answers on seen_us <= instant and seen_us > instant - 3600000000
where shadow is not null and len(shadow_scores) > 1
group by all
