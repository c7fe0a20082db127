-- Grain:  one row per instant and field of numbers with instant least 10 values in the hour before
-- Reads:  instants, log_item
-- Params: pointers, names -- of these fields

with

reported as (

    select
        epoch_us(seen_at) as seen_us,
        unnest($names) as field,
        unnest(json_extract(fields::json, $pointers)) as value

    from log_item
    where op = 'upsert' and json_valid(fields)

)

select
    instant,
    field,
    avg((as_number(value) is null)::int) as value

from instants
inner join reported on seen_us <= instant and seen_us > instant - 3600000000 and reported.value is not null
group by all
having count(*) >= 10
