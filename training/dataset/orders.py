"""Labels without a slate: at each order of a user, the items to choose from and those bought.

A shop of transactions alone shows no slates, so each order is a ranking of candidates: the items
that the user bought before, and those that many bought lately.  Both are of before the order.  A
bought item that is no candidate is left out, as no list would contain it.

All candidates are compared with each other, but only some of those that were not bought are rows of
the training split: the rest would teach little and cost most of the time.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import DAY, MINUTE, Home, NotEnoughError, Shortage
from training.dataset.labels import bots_to_skip, compacted
from training.dataset.split import TRAIN, time_split_bounds
from training.dataset.sufficiency import LEAST_RANKINGS, ORDERS, shortages

PAUSE = 30 * MINUTE
"""Purchases of a user with shorter pauses are one order."""

MOST_ORDERS, MOST_ORDERS_OF_USER = 30_000, 200
"""Only the newest orders are rankings, of all users and of each user."""

OWN, POPULAR, TRENDING = 150, 100, 40
"""Candidates that the user bought before, and that many bought in the last 28 and 7 days."""

NEGATIVES = 25
"""Candidates that were not bought, of an order of the training split; others have all."""

_LINES = """
create temp table lines as
with bought as (

    select user_id, item_id, epoch_us(event_time) as bought_at, epoch_us(seen_at) as seen_at
    from read_parquet($interactions, union_by_name = true)
    anti join bots on bots.entity = 'user' and bots.id = user_id
        and bots.day = epoch_us(event_time) // $day
    where
        type = 'purchase'
        and corrects is null
        and event_id not in (
            select corrects
            from read_parquet($interactions, union_by_name = true)
            where corrects is not null
        )

),

marked as (

    select
        *,
        coalesce(
            bought_at - lag(bought_at) over (partition by user_id order by bought_at) > $pause, true
        ) as is_first

    from bought

),

numbered as (

    select
        *,
        sum(is_first::int) over (
            partition by user_id order by bought_at range unbounded preceding
        ) as number

    from marked

)

select * exclude (is_first), min(bought_at) over (partition by user_id, number) as t
from numbered
"""

_ORDERS = """
create temp table orders as
select user_id, number, t, number > 1 as bought_before
from lines
where user_id is not null
group by user_id, number, t
qualify
    row_number() over (partition by user_id order by t desc) <= $most_of_user
    and row_number() over (order by t desc, user_id) <= $most
"""

_BY_ORDER = """
select
    user_id as visitor,
    bought_before as is_informative,
    case when t < $train_end then 'train' when t < $test_start then 'validate' else 'test' end
        as split
from orders
"""

_LABELLED = """
with daily as (

    select item_id, seen_at // $day as day, count(*) as times
    from lines
    group by all

),

counted as (

    select
        days.day,
        daily.item_id,
        sum(daily.times) as month,
        coalesce(sum(daily.times) filter (where daily.day >= days.day - 7), 0) as week

    from (select distinct t // $day as day from orders) as days
    inner join daily on daily.day between days.day - 28 and days.day - 1
    group by all

),

popular as (

    select day, item_id
    from counted
    qualify
        row_number() over (partition by day order by month desc, item_id) <= $popular
        or row_number() over (partition by day order by week desc, item_id) <= $trending

),

own as (

    select orders.user_id, orders.t, lines.item_id
    from orders
    inner join lines on orders.user_id = lines.user_id and lines.seen_at < orders.t
    group by orders.user_id, orders.t, lines.item_id
    qualify row_number() over (
        partition by orders.user_id, orders.t
        order by count(*) desc, max(lines.bought_at) desc, lines.item_id
    ) <= $own

),

candidates as (

    select user_id, t, item_id from own
    union
    select user_id, t, item_id from orders inner join popular on t // $day = day

),

bought as (

    select distinct user_id, t, item_id
    from lines

),

labelled as (

    select
        'order ' || candidates.user_id || ' ' || t as request_id,
        candidates.*,
        bought.item_id is not null as ordered,
        case when t < $train_end then 'train' when t < $test_start then 'validate' else 'test' end
            as split,
        md5(concat_ws(' ', t, user_id, item_id)) as draw

    from candidates
    left join bought using (user_id, t, item_id)
    qualify bool_or(ordered) over (partition by user_id, t)

)

select
    dense_rank() over (order by t, request_id) - 1 as qid,
    request_id, user_id,
    null::varchar as session_id, null::varchar as query_key, null::varchar as query,
    $market as market, null::varchar as surface, null::integer as utc_offset_minutes,
    make_timestamptz(t) as t, item_id, 1 as position,
    ordered::float as gain, ordered, split,
    split = $learned and not ordered and row_number() over (
        partition by request_id, ordered order by draw
    ) > $negatives as is_context

from labelled
order by qid, is_context, draw
"""


def labelled_orders(home: Home) -> pa.Table:
    """Return the candidates of each order, sorted by (t, request_id).

    Candidates with `is_context` follow the others of their order; they are compared with, but not
    learned from.  Orders of which no candidate was bought are left out.

    Raises:
        NotEnoughError: the compacted log holds no order with a bought candidate.
    """
    rows = _query(home, _LABELLED)
    if rows is None or not rows.num_rows:
        raise NotEnoughError([Shortage(ORDERS.rankings, 0, LEAST_RANKINGS)])
    return rows


def missing_orders(home: Home) -> Sequence[Shortage]:
    """Return what the compacted log lacks to learn next purchases from it."""
    by_order = _query(home, _BY_ORDER)
    if by_order is None:
        return [Shortage(ORDERS.rankings, 0, LEAST_RANKINGS)]
    return shortages(by_order, ORDERS)


def _query(home: Home, sql: str) -> pa.Table | None:
    """Run a query over `lines` and `orders`; None without a purchase."""
    interactions = compacted(home, "interaction")
    if not interactions:
        return None
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.register("bots", bots_to_skip(home))
        db.execute(_LINES, {"interactions": interactions, "day": DAY, "pause": PAUSE})
        db.execute(_ORDERS, {"most": MOST_ORDERS, "most_of_user": MOST_ORDERS_OF_USER})
        [(first, last)] = db.sql("select min(bought_at), max(bought_at) from lines").fetchall()
        if first is None:
            return None
        train_end, test_start = time_split_bounds(first, last)
        values = {
            "train_end": train_end,
            "test_start": test_start,
            "day": DAY,
            "own": OWN,
            "popular": POPULAR,
            "trending": TRENDING,
            "negatives": NEGATIVES,
            "learned": TRAIN,
            "market": DEFAULT_MARKET,
        }
        used = {name: value for name, value in values.items() if f"${name}" in sql}
        return db.sql(sql, params=used).to_arrow_table()
