-- The tiles of earlier runs, as `tiles.sql` wrote them.
--
-- Params: view, key -- of the counted view
--         measures -- a line per measure, see templates.py

create temp table incremental_$view (
    $key varchar,
    event_timestamp timestamptz,
    part bigint,
    $measures
    events bigint[],
    buckets bigint[]
);
