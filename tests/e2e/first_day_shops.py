"""Three tiny shops on their first day: items alone, slates without a click, transactions alone."""

import json

OPENED = "2026-03-01T12:00:00Z"
"""The clock of every shop; all events are older."""

COLOURS, KINDS = ("red", "blue", "green"), ("shoe", "shirt", "hat")
ITEMS = [f"p{n:02}" for n in range(15)]

MAPPING = """
name = "sales"
[columns]
item = "sku"
time = "sold"
order = "order"
user = "card"
[item_fields]
title = "name"
"""

BASKETS = {
    "ann": [("02-01", "p00 p01"), ("02-11", "p00 p01"), ("02-21", "p00 p02")],
    "ben": [("02-02", "p00 p01"), ("02-12", "p03")],
    "cat": [("02-28", "p04 p05"), ("02-28", "p04")],
    "dan": [("02-03", "p00 p01 p06"), ("02-28", "p04 p05")],
}
"""Orders by user: month and day, and items.  Ann repeats p00; p04 sells only lately."""


def write_items(folder):
    """Write 15 items, and return the arguments of `aisle init` and `aisle ingest`."""
    return [_written(folder / "items.jsonl", _items())]


def write_slates(folder):
    """Write the items, and 60 slates without a click."""
    slates = [
        {
            "kind": "ranking",
            "event_id": f"r{n}",
            "event_time": f"2026-02-28T10:{n:02}:00Z",
            "request_id": f"q{n}",
            "user_id": f"u{n % 12}",
            "items": [{"item_id": ITEMS[(n + k) % len(ITEMS)]} for k in range(5)],
        }
        for n in range(60)
    ]
    return [_written(folder / "slates.jsonl", _items() + slates)]


def write_transactions(folder):
    """Write a table of sales and its mapping."""
    lines = [
        f"{user}-{n},{item},{user},2026-{day}T09:00:00Z,item {item}"
        for user, orders in BASKETS.items()
        for n, (day, items) in enumerate(orders)
        for item in items.split()
    ]
    (folder / "sales.csv").write_text("\n".join(["order,sku,card,sold,name", *lines]) + "\n")
    (folder / "sales.toml").write_text(MAPPING)
    return ["--mapping", str(folder / "sales.toml"), str(folder / "sales.csv")]


SHOPS = {"items": write_items, "slates": write_slates, "transactions": write_transactions}


def _items():
    return [
        {
            "kind": "item",
            "event_id": f"i{n}",
            "event_time": f"2026-02-27T10:{n:02}:00Z",
            "item_id": item,
            "fields": {
                "title": f"{COLOURS[n % 3]} {KINDS[n // 3 % 3]}",
                "category": KINDS[n // 3 % 3],
                "price": 10.0 + n,
            },
        }
        for n, item in enumerate(ITEMS)
    ]


def _written(path, events):
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return str(path)
