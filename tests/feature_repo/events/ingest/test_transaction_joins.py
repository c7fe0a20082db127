"""Tables of transactions that join other tables, read totals and limit numbers."""

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, MappingError
from tests.feature_repo.events.ingest.mapped_lines import events_of, lines, mapping_of

JOINED = """
name = "orders"
[columns]
item = "sku"
time = "orders.sold"
order = "order"
user = "orders.user"
quantity = "pieces"
total = "amount"
[item_fields]
title = "items.title"
price = "items.price"
[user_fields]
town = "users.town"
[[join]]
table = "orders.csv"
key = "id"
on = "order"
[[join]]
table = "items.csv"
key = "sku"
on = "sku"
[[join]]
table = "users.csv"
key = "id"
on = "orders.user"
[[exclude]]
column = "pieces"
at_least = 1000
reason = "a wholesale order"
[[clamp]]
column = "amount"
at_least = 0
at_most = 500
"""
TABLES = {
    "orders.csv": "id,sold,user\no1,2026-01-05 10:00,u1\no2,2026-01-06 10:00,\n",
    "items.csv": "sku,title,price\na,Tea,5\nb,Milk,2\n",
    "users.csv": "id,town\nu1,Troy\n",
    "lines.csv": "order,sku,pieces,amount\no1,a,2,9\no1,b,1,900\no2,c,1,3\no2,a,5000,1\no9,a,1,1\n",
}


@pytest.fixture
def joined(tmp_path):
    """Writes the tables of a shop, and returns the path of the lines and their mapping."""
    for name, content in TABLES.items():
        (tmp_path / name).write_text(content)
    return tmp_path / "lines.csv", mapping_of(tmp_path, JOINED)


def test_tables_are_joined_totals_read_and_outliers_limited(joined, home):
    path, mapping = joined

    report = ingest([path], home=home, clock=Clock(), mapping=mapping).to_dict()
    records = lines(mapping, path)

    purchases = {event["item_id"]: event for event in events_of(records, "interaction")}
    assert {item: event["value"] for item, event in purchases.items()} == {"a": 9, "b": 500, "c": 3}
    assert [purchases[item]["user_id"] for item in "abc"] == ["u1", "u1", None]
    assert purchases["a"]["event_time"].startswith("2026-01-05T10:00")
    fields = {event["item_id"]: event["fields"] for event in events_of(records, "item")}
    assert fields == {
        "a": {"title": "Tea", "price": "5"},
        "b": {"title": "Milk", "price": "2"},
        "c": {},
    }
    assert [event["fields"] for event in events_of(records, "user")] == [{"town": "Troy"}]
    assert report["warning_reasons"] == {
        "amount: expected a number from 0 to 500": 1,
        "sku: expected a sku of items.csv": 1,
    }
    assert report["quarantined_reasons"] == {
        "pieces: expected a purchase (excluded: a wholesale order)": 1,
        "orders.sold: expected an ISO 8601 time, or seconds, milliseconds or microseconds since "
        "1970, before 2100": 1,
    }
    assert report["read"] == report["accepted"] + report["duplicate"] + report["quarantined"]


@pytest.mark.parametrize(
    ("table", "content", "reason"),
    [
        ("items.csv", None, "cannot be read"),
        ("items.csv", "sku,name\na,Tea\n", "title, price exactly once"),
        ("items.csv", "sku,title,price\na,Tea\n", "line 2: line: expected 3 cells"),
        ("lines.csv", "sku,pieces,amount\n", "order exactly once"),
    ],
)
def test_a_table_that_cannot_be_joined_is_named(joined, table, content, reason):
    path, mapping = joined
    (path.parent / table).unlink()
    if content is not None:
        (path.parent / table).write_text(content)

    with pytest.raises(MappingError, match=reason):
        lines(mapping, path)
