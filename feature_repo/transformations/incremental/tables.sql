-- What a run finds of entities that earlier runs wrote rows of; nothing where it reads everything.
--
-- Params: attributes, user_attributes, recent, measures, standing -- lines of columns: see templates.py

create temp table carried_item_attributes as
select
    null::varchar as item_id,
    null::timestamptz as event_timestamp,
    null::timestamptz as created_timestamp,
    $attributes
    null::boolean as is_deleted,
    null::bigint as part
where false;

create temp table carried_user_attributes as
select
    null::varchar as user_id,
    null::timestamptz as event_timestamp,
    null::timestamptz as created_timestamp,
    $user_attributes
    null::bigint as part
where false;

create temp table carried_user_first_seen (
    user_id varchar,
    event_timestamp timestamptz,
    created_timestamp timestamptz,
    first_seen_at bigint,
    part bigint
);

create temp table carried_user_recent (
    user_id varchar,
    event_timestamp timestamptz,
    created_timestamp timestamptz,
    $recent
    part bigint
);

create temp table carried_query_days (
    query_key varchar,
    item_id varchar,
    known_at bigint,
    clicks bigint,
    impressions bigint,
    part bigint,
    event_timestamp timestamptz
);

create temp table carried_market_days (
    market varchar,
    midnight bigint,
    $measures
    part bigint,
    event_timestamp timestamptz
);

create temp table carried_item_examined (
    item_id varchar,
    known_at bigint,
    examined bigint,
    event_timestamp timestamptz
);

create temp table carried_item_percentiles (
    item_id varchar,
    event_timestamp timestamptz,
    created_timestamp timestamptz,
    $standing
    part bigint
);
