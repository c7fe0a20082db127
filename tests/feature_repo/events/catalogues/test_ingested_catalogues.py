"""The same catalogue is read once, and every change of a product is one event."""

import json
import os

import pytest

from feature_repo.events.contract import ItemEvent
from feature_repo.events.ingest import infer_shop, ingest
from feature_repo.home import DAY, HOUR
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import compacted

HEADER = "id,title,link,availability,price,brand\n"
ROWS = {
    1: "1,Lamp,https://x.example/1,in stock,20.00 EUR,A\n",
    2: "2,Rug,https://x.example/2,in stock,80.00 EUR,B\n",
}


@pytest.fixture
def feed(tmp_path):
    """Writes a feed of rows at an instant."""

    def written(*rows, at=NOON - HOUR, name="feed.csv"):
        path = tmp_path / name
        path.write_text(HEADER + "".join(rows))
        os.utime(path, ns=(at * 1_000, at * 1_000))
        return path

    return written


def counts(report):
    return report.accepted, report.duplicate, report.quarantined.count


def price_of(log, item_id):
    """The price after all events of an item, by their time."""
    events = [e for e in compacted(log) if isinstance(e, ItemEvent) and e.item_id == item_id]
    return max(events, key=lambda event: event.event_time).fields["price"]


def test_a_feed_has_the_time_of_its_file(feed, home, clock, log):
    ingest([feed(*ROWS.values())], home=home, clock=clock)

    assert {event.event_time for event in compacted(log)} == {NOON - HOUR}
    assert {event.received_at for event in compacted(log)} == {NOON - HOUR}


def test_a_file_of_the_future_has_the_time_of_the_clock(feed, home, clock, log):
    report = ingest([feed(*ROWS.values(), at=NOON + DAY)], home=home, clock=clock)

    assert counts(report) == (2, 0, 0)
    assert all(event.event_time < NOON + HOUR for event in compacted(log))


@pytest.mark.parametrize("later", [0, DAY // 2])
def test_the_same_feed_is_only_duplicates_whenever_it_was_written(feed, home, clock, later):
    ingest([feed(*ROWS.values())], home=home, clock=clock)
    clock.instant += DAY

    again = ingest([feed(*ROWS.values(), at=NOON + later)], home=home, clock=clock)

    assert counts(again) == (0, 2, 0)


def test_a_changed_product_is_one_event_and_its_return_another(feed, home, clock, log):
    cheaper = ROWS[1].replace("20.00", "15.00")
    reports = []
    for day, row in enumerate([ROWS[1], cheaper, ROWS[1], ROWS[1]]):
        clock.instant = NOON + day * DAY
        path = feed(row, ROWS[2], at=clock.instant - HOUR)
        reports.append(counts(ingest([path], home=home, clock=clock)))

    assert reports == [(2, 0, 0), (1, 1, 0), (1, 1, 0), (0, 2, 0)]
    assert price_of(log, "1") == 20.0


def test_an_older_feed_does_not_replace_a_newer_one(feed, home, clock, log):
    old = feed(ROWS[1], at=NOON - 2 * HOUR, name="old.csv")
    new = feed(ROWS[1].replace("20.00", "15.00"), at=NOON - HOUR, name="new.csv")

    ingest([old], home=home, clock=clock)
    ingest([new], home=home, clock=clock)
    again = ingest([old], home=home, clock=clock)

    assert counts(again) == (0, 1, 0)
    assert price_of(log, "1") == 15.0


def test_a_feed_older_than_the_last_seal_is_received_now(feed, home, clock, log):
    ingest([feed(ROWS[1])], home=home, clock=clock)
    clock.instant += DAY

    report = ingest([feed(ROWS[2], at=NOON - 2 * HOUR, name="old.csv")], home=home, clock=clock)

    assert counts(report) == (1, 0, 0)
    (rug,) = (event for event in compacted(log) if event.item_id == "2")
    assert (rug.event_time, rug.received_at > NOON + HOUR) == (NOON - 2 * HOUR, True)


def test_what_an_export_lacks_is_removed(feed, home, clock, log):
    sale = "id,title,link,availability,price,sale_price\n1,Lamp,x,in stock,20 EUR,15 EUR\n"
    path = feed()
    path.write_text(sale)
    os.utime(path, ns=(NOON * 1_000 - 10**15, NOON * 1_000 - 10**15))
    ingest([path], home=home, clock=clock)

    ingest([feed(ROWS[1])], home=home, clock=clock)

    newest = max(compacted(log), key=lambda event: event.event_time)
    assert (newest.fields["price"], newest.fields["list_price"]) == (20.0, None)


def test_orders_and_their_lines_are_joined_within_one_run(tmp_path, home, clock, log):
    orders = tmp_path / "orders.csv"
    lines = tmp_path / "order_lines.csv"
    orders.write_text(
        "id,customer_id,currency,created_at,order_number,financial_status,test\n"
        "7,42,GBP,2020-09-11 19:35:42.000,1,paid,FALSE\n"
    )
    lines.write_text(
        "order_id,id,product_id,variant_id,name,price,quantity,sku,index\n"
        "7,70,11,21,Boot - S,80.0,2,B-S,0\n8,71,11,21,Boot - S,80.0,2,B-S,0\n"
    )

    report = ingest([orders, lines], home=home, clock=clock)

    assert (counts(report), report.warnings.count) == ((2, 0, 1), 1)
    assert report.quarantined.first[0].hint.startswith("Give the table of orders in the same run")
    (bought,) = (event for event in compacted(log) if event.kind == "interaction")
    assert (bought.user_id, bought.item_id, bought.value) == ("42", "B-S", 160.0)


def test_a_quarantined_row_is_stored_so_that_it_can_be_read_again(feed, home, clock):
    ingest([feed(ROWS[1].replace("in stock", "perhaps"))], home=home, clock=clock)

    (stored,) = (
        json.loads(line)
        for path in (home.log / "quarantine").glob("*.jsonl")
        for line in path.read_text().splitlines()
    )

    assert json.loads(stored["text"])["title"] == "Lamp"


def test_fields_of_a_feed_get_their_roles(feed):
    shop, _ = infer_shop([feed(*ROWS.values())])

    roles = {field.role: field.name for field in shop.item_fields if field.role}
    assert roles == {
        "title": "title",
        "price": "price",
        "stock": "stock",
        "brand": "brand",
        "group": "group",
    }
