"""What the simulated shop says about its items and users, as tables of events."""

import json

import numpy as np
import pyarrow as pa

from feature_repo.home import DAY
from training.metrics import Bools, Floats, Ints
from training.studies.simulation.calendar import day_start
from training.studies.simulation.day import Day
from training.studies.simulation.ids import Names, joined
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.users import DEVICES
from training.studies.simulation.vocabulary import BRANDS, CATEGORIES, COLOURS

INSTANT = pa.timestamp("us", tz="UTC")


def user_events(names: Names) -> pa.Table:
    """Every user's market and device, told when the shop opens."""
    users = names.shop.users
    ids = names.users(np.arange(len(users)), np.full(len(users), -1))
    device = pa.array(DEVICES).take(pa.array(users.device))
    market = names.markets(users.market)
    return pa.table(
        {
            "event_id": joined("user-", ids),
            "event_time": _at(day_start(0), len(users)),
            "user_id": ids,
            "op": ["upsert"] * len(users),
            "fields": joined('{"market":"', market, '","device":"', device, '"}'),
        }
    )


def item_events(names: Names, day: Day) -> pa.Table:
    """What comes, changes and goes at the beginning of a day."""
    items, number = day.items, day.number
    coming = np.flatnonzero(items.first_day == number)
    going = np.flatnonzero(items.last_day == number - 1)
    changed = np.flatnonzero(_changed(day) & items.for_sale(number) & (items.first_day < number))
    described = pa.array([_described(day, int(n)) for n in coming], pa.string())
    return pa.concat_tables(
        [
            _events(names, "added", coming, number, described),
            _events(names, "changed", changed, number, _offer(day, changed)),
            _events(names, "deleted", going, number, pa.array(["{}"] * going.size, pa.string())),
        ]
    )


def leak_events(names: Names, day: Day, clicks: Ints) -> pa.Table:
    """The planted leak: at midnight, each item is told the clicks it will get during the day.

    `clicks` has shape (N,).
    """
    shown = np.flatnonzero(day.items.for_sale(day.number))
    told = joined('{"clicks_today":', pa.array(clicks[shown]), "}")
    return _events(names, "leak", shown, day.number, told)


def _events(names: Names, what: str, numbers: Ints, day: int, fields: pa.Array) -> pa.Table:
    ids = names.items(numbers)
    deleted = what == "deleted"
    return pa.table(
        {
            "event_id": joined(f"{what}-", ids, f"-{day}"),
            "event_time": _at(day_start(day), numbers.size),
            "item_id": ids,
            "op": pa.array(["delete" if deleted else "upsert"] * numbers.size, pa.string()),
            "fields": fields,
        }
    )


def _at(instant: int, count: int) -> pa.Array:
    return pa.array(np.full(count, instant)).cast(INSTANT)


def _changed(day: Day) -> Bools:
    """Shape (N,): whether price, discount or stock are not what they were yesterday."""
    if day.number == 0:
        return np.zeros(len(day.items), bool)
    before = Day(day.config, day.number - 1, day.items, day.users, day.intents)
    price, discount = day.price != before.price, day.discount != before.discount
    return np.asarray(price | discount | (day.stock != before.stock))


def _offer(day: Day, numbers: Ints) -> pa.Array:
    return joined(
        '{"price":', _decimal(day.price[numbers]),
        ',"discount":', _decimal(day.discount[numbers]),
        ',"stock":', pa.array(day.stock[numbers]), "}",
    )  # fmt: skip


def _decimal(values: Floats) -> pa.Array:
    return pa.array(np.round(values, 2))


def _described(day: Day, n: int) -> str:
    items, number = day.items, day.number
    market_name = day.config.markets[items.market[n]]
    market = MARKETS[market_name]
    language = market.language
    nouns = language.nouns[items.noun[n]]
    said = {
        "style": language.styles[items.style[n]],
        "colour": language.colours[items.colour[n]],
        "noun": nouns[-1 if items.synonym[n] else 0],
        "brand": BRANDS[items.brand[n]],
    }
    description = language.description.format(**said)
    return json.dumps(
        {
            "title": "{brand} {style} {colour} {noun}".format(**said),
            "description": description[0].upper() + description[1:],
            "category": CATEGORIES[items.category[n]],
            "brand": said["brand"],
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
