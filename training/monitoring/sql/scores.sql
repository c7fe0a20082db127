-- Grain:  one row per instant, ranker and quantile
-- Reads:  instants, answers

with

scores as (

    select
        instant,
        variant,
        unnest(scores) as score

    from instants
    inner join answers on seen_us <= instant and seen_us > instant - 3600000000

)

select
    instant,
    variant,
    unnest(['0.1', '0.5', '0.9']) as quantile,
    unnest(quantile_cont(score, [0.1, 0.5, 0.9])) as value

from scores
where score is not null
group by instant, variant
