-- A category occurs in the history, which is the log before the last day.
--
-- Grain:  one row per item event of the last day with a value; none without a week of history
-- Reads:  items, item_markets
-- Params: position -- of the field in the shop's declaration, from 1

with

categories as (

    select
        items.*,
        as_text(reported[$position]) as category

    from items
    where category is not null

),

history as (

    select distinct category
    from categories
    where seen_us <= getvariable('day_from')

),

span as (

    select min(seen_us) <= getvariable('day_from') - 7 * 86400000000 as is_long
    from categories

)

select
    market,
    seen_us // 86400000000 as day,
    'item event ' || event_id as id,
    category as found,
    category in (select category from history) as holds

from categories
left join item_markets using (item_id)
where (select is_long from span) and seen_us > getvariable('day_from')
