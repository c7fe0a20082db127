"""Whether a home has a simulated shop, and which one: its items have the titles of a seed."""

import json

import duckdb

from feature_repo.events.log import list_relations
from feature_repo.home import DAY, Home, to_datetime
from training.studies.simulation.calendar import START, day_start
from training.studies.simulation.catalogue_events import item_events
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.ids import Ids
from training.studies.simulation.shop import Shop

_MOST_DAYS = 366
"""Days after the opening that a shop is drawn for at most."""

_OPENING = """
select item_id, arg_min(fields, event_time)
from read_parquet($items, hive_partitioning := false, union_by_name := true)
where regexp_full_match(item_id, 'i[0-9]+')
group by item_id
having min(event_time) < $end
"""
_USERS = """
select count(distinct user_id)
from read_parquet($users, hive_partitioning := false, union_by_name := true)
where op = 'upsert' and regexp_full_match(user_id, 'u[0-9]+')
"""


def recognise(home: Home, now: int, seed: int = ShopConfig.seed) -> tuple[Shop, int] | None:
    """Return the simulated shop that the compacted log of a home is of, and the day of an instant.

    Returns:
        None for a shop whose opening items have other titles than a simulated one with as many
        items and the seed, in one market.
    """
    items, users = (
        [str(path) for path in list_relations(home.log / "compacted", kind)]
        for kind in ("item", "user")
    )
    if not items or not users or now < START:
        return None
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        end = to_datetime(day_start(1))
        opening = dict(db.execute(_OPENING, {"items": items, "end": end}).fetchall())
        (number,) = db.execute(_USERS, {"users": users}).fetchall()[0]
    if not opening or not number:
        return None
    day = min((now - START) // DAY, _MOST_DAYS)
    shop = Shop.draw(ShopConfig(users=number, items=len(opening), seed=seed), day + 1)
    return (shop, day) if _titles(shop) == _read_titles(opening) else None


def _titles(shop: Shop) -> dict[str, str]:
    table = item_events(Ids(shop), shop.day(0))
    columns = (table["item_id"].to_pylist(), table["fields"].to_pylist())
    return _read_titles(dict(zip(*columns, strict=True)))


def _read_titles(fields: dict[str, str]) -> dict[str, str]:
    return {item: json.loads(text or "{}").get("title", "") for item, text in fields.items()}
