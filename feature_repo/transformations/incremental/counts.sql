-- Tiles as deltas: what `counts.sql` and `tiles.sql` need to go on from where the last run ended.
--
-- A bucket's events entered, by the last seal of then, each window that it was still in; events of
-- older buckets count in `all` alone, as if they were of a bucket that had just left.
--
-- Grain:  one row per entity and bucket, and one for older buckets
-- Reads:  carried (tiles), windows
-- Params: since -- the last seal of then
--         key -- the entity's join key
--         unnested, remainder -- a line per measure: see templates.py

select
    $key,
    getvariable('since') as seen_at,
    part,
    $unnested
    unnest(events) as events,
    unnest(buckets) as bucket

from carried

union all by name

select
    $key,
    getvariable('since') as seen_at,
    part,
    $remainder
    0 as events,
    (getvariable('since') + 1) // 86400000000 - (select max(days) from windows) as bucket

from carried
