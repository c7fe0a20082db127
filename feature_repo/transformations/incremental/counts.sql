-- Convert tiles to deltas; `counts.sql` and `tiles.sql` continue from them.
--
-- Events of a bucket count, as of that run's last seal, in each window that the bucket is still in.
-- Events of older buckets count only in `all`, as if their bucket had just left the longest window.
--
-- Grain:  one row per entity and bucket, and one for older buckets
-- Reads:  previous_tiles, windows
-- Params: since -- the last seal of that run
--         key -- the entity's join key
--         unnested, remainder -- a line per measure, see templates.py

select
    $key,
    getvariable('since') as seen_at,
    part,
    $unnested
    unnest(events) as events,
    unnest(buckets) as bucket

from previous_tiles

union all by name

select
    $key,
    getvariable('since') as seen_at,
    part,
    $remainder
    0 as events,
    (getvariable('since') + 1) // 86400000000 - (select max(days) from windows) as bucket

from previous_tiles
