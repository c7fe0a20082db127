"""Purchases: one row per item of an order, sorted by the time when requests may read it."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.events.contract import InteractionEvent
from feature_repo.events.log import list_relations, to_table
from feature_repo.home import DatasetError, Home

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
GUEST = -1

_BOUGHT = """
with lines as (
    select
        event_id, item_id, user_id, corrects,
        epoch_us(event_time) as bought_at,
        epoch_us(seen_at) as seen_at,
        coalesce(quantity, 1.0) as quantity,
        value,
        case
            when user_id is not null then 'user ' || user_id || ' ' || epoch_us(event_time)
            when session_id is not null then 'session ' || session_id
            else 'line ' || event_id
        end as basket
    from interactions
    where type = 'purchase'
),
taken_back as (
    select corrects, min(seen_at) as at from lines where corrects is not null group by corrects
),
-- A line of the same order and item that becomes known later adds nothing: what earlier decisions
-- read must not change with it.
first_lines as (
    select *
    from lines
    where corrects is null
    qualify seen_at = min(seen_at) over (partition by basket, item_id)
)
select
    basket, item_id,
    any_value(user_id) as user_id,
    min(bought_at) as bought_at,
    min(seen_at) as seen_at,
    max(coalesce(taken_back.at, $never)) as taken_back_at,
    -- rounded, so that the order of the lines in a sum does not matter
    round(sum(value) / nullif(sum(quantity) filter (value is not null), 0), 6) as price
from first_lines
left join taken_back on first_lines.event_id = taken_back.corrects
group by basket, item_id
order by seen_at, bought_at, basket, item_id
"""


@dataclass(frozen=True)
class History:
    """P purchases, sorted by `seen_at`.

    Attributes:
        users, items: their ids, sorted.
        user: shape (P,), index in `users`; GUEST for an anonymous purchase.
        item: shape (P,), index in `items`.
        basket: shape (P,), number of the order; an order has one user.
        bought_at, seen_at: shape (P,), time of the purchase, and when it became known.
        taken_back_at: shape (P,), when its cancellation became known; NEVER without one.
        price: shape (P,), of one unit; NaN if unknown.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    user: Ints
    item: Ints
    basket: Ints
    bought_at: Ints
    seen_at: Ints
    taken_back_at: Ints
    price: Floats

    @classmethod
    def of_log(cls, home: Home) -> "History":
        """Read the purchases of the compacted log.

        Raises:
            DatasetError: none is of an identified user.
        """
        paths = [str(path) for path in list_relations(home.log / "compacted", "interaction")]
        if not paths:
            raise DatasetError(f"{home.log} holds no interaction; ingest purchases first.")
        with duckdb.connect() as db:
            interactions = db.read_parquet(paths, hive_partitioning=False, union_by_name=True)
            return cls._of(db, interactions)

    @classmethod
    def of_events(cls, events: list[InteractionEvent]) -> "History":
        """Return the purchases among events, each given once.

        Raises:
            DatasetError: none is of an identified user.
        """
        with duckdb.connect() as db:
            table = to_table("interaction", events, lambda _: 0)
            return cls._of(db, db.from_arrow(table))

    @classmethod
    def _of(cls, db: duckdb.DuckDBPyConnection, interactions: duckdb.DuckDBPyRelation) -> "History":
        interactions.create_view("interactions")
        rows: pa.Table = db.sql(_BOUGHT, params={"never": NEVER}).to_arrow_table()
        users, user = _numbered(rows.column("user_id"))
        items, item = _numbered(rows.column("item_id"))
        _, basket = _numbered(rows.column("basket"))
        if not users:
            raise DatasetError(
                f"Expected purchases of identified users, found {rows.num_rows} purchases, none "
                "of a user; ingest purchases with user ids."
            )
        instants = ("bought_at", "seen_at", "taken_back_at")
        times = {name: rows.column(name).to_numpy() for name in instants}
        price = rows.column("price").to_numpy().astype(np.float64)
        return cls(users, items, user, item, basket, price=price, **times)


def _numbered(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Ints]:
    """Return the distinct texts, sorted, and each row's index among them; GUEST for null."""
    texts = column.to_numpy()
    present = np.array([text is not None for text in texts], dtype=bool)
    distinct, index = np.unique(texts[present].astype(str), return_inverse=True)
    numbers = np.full(texts.size, GUEST, dtype=np.int64)
    numbers[present] = index
    return tuple(distinct.tolist()), numbers
