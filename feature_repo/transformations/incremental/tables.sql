-- The sums by day of earlier runs; empty in a run over the whole log.
--
-- Params: measures -- a column per measure of a market, see templates.py

create temp table incremental_query_days (
    query_key varchar,
    item_id varchar,
    effective_at bigint,
    clicks bigint,
    impressions bigint,
    part bigint,
    event_timestamp timestamptz
);

create temp table incremental_user_days (
    user_id varchar,
    item_id varchar,
    effective_at bigint,
    orders bigint,
    bought_at bigint,
    part bigint,
    event_timestamp timestamptz
);

create temp table incremental_market_days (
    market varchar,
    midnight bigint,
    $measures
    part bigint,
    event_timestamp timestamptz
);

create temp table incremental_item_examined (
    item_id varchar,
    effective_at bigint,
    examined bigint,
    event_timestamp timestamptz
);
