-- What quality metrics read: slates and interactions by visitor, item events, rows of views.
--
-- Reads:  log_item, log_ranking, log_interaction, log_served, view_rows
-- Params: bot_events -- rankings and interactions of a visitor in an hour from which on it has bots' pace

create temp table visitors as
select
    coalesce(user_id, session_id, request_id) as visitor,
    epoch_us(seen_at) as seen_us
from log_ranking
union all by name
select
    coalesce(user_id, session_id, event_id) as visitor,
    epoch_us(seen_at) as seen_us
from log_interaction
where type != 'decision';

-- Hours of a visitor of bots' pace.
create temp table bots as
select
    visitor,
    seen_us // 3600000000 as hour
from visitors
group by all
having count(*) >= $bot_events;

-- What people were shown and clicked, at its instant.
create temp table exposures as
select
    visitor,
    seen_us,
    shown,
    is_search,
    clicks
from (
    select
        coalesce(user_id, session_id, request_id) as visitor,
        epoch_us(seen_at) as seen_us,
        len(items) as shown,
        query is not null as is_search,
        0 as clicks
    from log_ranking
    union all
    select
        coalesce(user_id, session_id, event_id),
        epoch_us(seen_at),
        0,
        false,
        1
    from log_interaction
    where type = 'click' and request_id is not null and corrects is null
) as events
anti join bots
    on events.visitor = bots.visitor
    and events.seen_us // 3600000000 between bots.hour - 1 and bots.hour + 1;

create temp table windows as
from (values ('1h', 3600000000), ('24h', 86400000000), ('7d', 604800000000)) as windows (label, length);

create temp table answers as
select
    coalesce(surface, '') as surface,
    coalesce(model_version, 'none') as variant,
    len(degraded) > 0 as is_degraded,
    list_transform(items, lambda item: item.score) as scores,
    shadow_version as shadow,
    shadow_scores::json::double[] as shadow_scores,
    epoch_us(seen_at) as seen_us
from log_served;

-- Events, and rows of each view, by the ten minutes in which they were seen, which end at `until`.  The rows of
-- midnight end windows and no event makes them.
create temp table periods as
with

events as (

    select
        (seen_us // 600000000 + 1) * 600000000 as until,
        count(*) as events
    from visitors
    group by all

),

row_periods as (

    select
        view,
        is_live,
        (seen_us // 600000000 + 1) * 600000000 as until,
        max(seen_us) as newest,
        count(*) filter (where seen_us % 86400000000 > 1) as rows
    from view_rows
    group by all

),

views as (

    select distinct view, is_live from row_periods

)

select
    views.view,
    views.is_live,
    until,
    newest,
    coalesce(events, 0) as events,
    coalesce(rows, 0) as rows

from views
cross join (select until from events union select until from row_periods) as periods_of_any
left join events using (until)
left join row_periods using (view, until);
