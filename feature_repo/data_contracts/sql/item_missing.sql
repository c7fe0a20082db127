-- An upsert that names the field, or the first event of an item, has a value.
--
-- Grain:  one row per such event; none where the history, before the last day, has fewer than 20 of them or
--         lacks the value in a tenth of them
-- Reads:  items, item_markets
-- Params: position -- of the field in the shop's declaration, from 1

with

events as (

    select
        items.*,
        item_markets.market,
        reported[$position] as value

    from items
    left join item_markets using (item_id)
    where op = 'upsert' and (is_first or reported[$position] is not null)

),

described as (

    select
        *,
        coalesce(json_type(value), 'NULL') = 'NULL' or value = '""' as is_missing

    from events

),

history as (

    select avg(is_missing::int) as missing_share
    from described
    where seen_us <= getvariable('day_from')
    having count(*) >= 20 and missing_share < 0.1

)

select
    market,
    seen_us // 86400000000 as day,
    'item event ' || event_id as id,
    coalesce(value::varchar, 'not sent') as found,
    not is_missing as holds

from described, history
where seen_us > getvariable('new_from')
