"""User and item events of the simulated shop, as Arrow tables."""

import json

import numpy as np
import pyarrow as pa

from feature_repo.home import DAY
from training.metrics import Bools, Floats, Ints
from training.studies.simulation.calendar import day_start
from training.studies.simulation.day import Day
from training.studies.simulation.ids import Ids, concat_texts
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.users import DEVICES
from training.studies.simulation.vocabulary import BRANDS, CATEGORIES, COLOURS

INSTANT = pa.timestamp("us", tz="UTC")


def user_events(ids: Ids) -> pa.Table:
    """Return one event per user at the opening of the shop, with market and device."""
    users = ids.shop.users
    user_ids = ids.users(np.arange(len(users)), np.full(len(users), -1))
    device = pa.array(DEVICES).take(pa.array(users.device))
    market = ids.markets(users.market)
    return pa.table(
        {
            "event_id": concat_texts("user-", user_ids),
            "event_time": _at(day_start(0), len(users)),
            "user_id": user_ids,
            "op": ["upsert"] * len(users),
            "fields": concat_texts('{"market":"', market, '","device":"', device, '"}'),
        }
    )


def item_events(ids: Ids, day: Day) -> pa.Table:
    """Return events of the items added, changed and deleted at the beginning of a day."""
    items, number = day.items, day.number
    added = np.flatnonzero(items.first_day == number)
    deleted = np.flatnonzero(items.last_day == number - 1)
    changed = np.flatnonzero(_changed(day) & items.for_sale(number) & (items.first_day < number))
    fields = pa.array([_item_fields(day, int(n)) for n in added], pa.string())
    return pa.concat_tables(
        [
            _events(ids, "added", added, number, fields),
            _events(ids, "changed", changed, number, _offer(day, changed)),
            _events(ids, "deleted", deleted, number, pa.array(["{}"] * deleted.size, pa.string())),
        ]
    )


def leak_events(ids: Ids, day: Day, clicks: Ints) -> pa.Table:
    """Return the planted leak: at midnight, each item gets its number of clicks of the coming day.

    `clicks` has shape (N,).
    """
    shown = np.flatnonzero(day.items.for_sale(day.number))
    fields = concat_texts('{"clicks_today":', pa.array(clicks[shown]), "}")
    return _events(ids, "leak", shown, day.number, fields)


def _events(ids: Ids, change: str, numbers: Ints, day: int, fields: pa.Array) -> pa.Table:
    item_ids = ids.items(numbers)
    deleted = change == "deleted"
    return pa.table(
        {
            "event_id": concat_texts(f"{change}-", item_ids, f"-{day}"),
            "event_time": _at(day_start(day), numbers.size),
            "item_id": item_ids,
            "op": pa.array(["delete" if deleted else "upsert"] * numbers.size, pa.string()),
            "fields": fields,
        }
    )


def _at(instant: int, count: int) -> pa.Array:
    return pa.array(np.full(count, instant)).cast(INSTANT)


def _changed(day: Day) -> Bools:
    """Whether price, discount or stock differ from yesterday's, shape (N,)."""
    if day.number == 0:
        return np.zeros(len(day.items), bool)
    before = Day(day.config, day.number - 1, day.items, day.users, day.intents)
    price, discount = day.price != before.price, day.discount != before.discount
    return np.asarray(price | discount | (day.stock != before.stock))


def _offer(day: Day, numbers: Ints) -> pa.Array:
    return concat_texts(
        '{"price":',
        _decimal(day.price[numbers]),
        ',"discount":',
        _decimal(day.discount[numbers]),
        ',"stock":',
        pa.array(day.stock[numbers]),
        "}",
    )


def _decimal(values: Floats) -> pa.Array:
    return pa.array(np.round(values, 2))


def _item_fields(day: Day, n: int) -> str:
    """Return all fields of an item as JSON."""
    items, number = day.items, day.number
    market_name = day.config.markets[items.market[n]]
    market = MARKETS[market_name]
    language = market.language
    nouns = language.nouns[items.noun[n]]
    texts = {
        "style": language.styles[items.style[n]],
        "colour": language.colours[items.colour[n]],
        "noun": nouns[-1 if items.synonym[n] else 0],
        "brand": BRANDS[items.brand[n]],
    }
    description = language.description.format(**texts)
    return json.dumps(
        {
            "title": "{brand} {style} {colour} {noun}".format(**texts),
            "description": description[0].upper() + description[1:],
            "category": CATEGORIES[items.category[n]],
            "brand": texts["brand"],
            "color": COLOURS[items.colour[n]],
            "market": market_name,
            "currency": market.currency,
            "price": float(day.price[n]),
            "discount": round(float(day.discount[n]), 2),
            "stock": int(day.stock[n]),
            "added_at": day_start(number) - int(items.age[n] * DAY),
        },
        ensure_ascii=False,
    )
