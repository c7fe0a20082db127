"""An object is read in the dialect that recognizes it, an installed one first."""

import re

import pytest

from feature_repo.events.contract import (
    SHOP_KINDS,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
)
from feature_repo.events.dialects import parse_events, parse_feedback
from feature_repo.events.dialects.registry import dialect_of, dialects
from feature_repo.events.ingest import infer_shop, ingest, validate
from feature_repo.home import CHECKOUT, Clock, EventError, parse_instant
from feature_repo.home.errors import ExtensionError
from tests.feature_repo.events.event_samples import compacted
from tests.feature_repo.hostile_inputs import GOOD_TIME, interaction

ORDERS = """
from feature_repo.events.contract import ItemEvent, parse_canonical
from feature_repo.events.dialects import Dialect

def events(order):
    for number, line in enumerate(order["lines"]):
        about = {"event_time": order["at"], "item_id": line["sku"]}
        yield parse_canonical(
            about | {"kind": "item", "event_id": f"{order['order_no']}-{number}-item",
                     "fields": {"title": line["name"]}}
        )
        yield parse_canonical(
            about | {"kind": "interaction", "event_id": f"{order['order_no']}-{number}",
                     "type": "purchase", "user_id": order["customer"], "value": line["price"]}
        )

ORDERS = Dialect(recognizes=lambda raw: "order_no" in raw, parse=lambda raw: list(events(raw)))
UNSURE = Dialect(recognizes=lambda raw: raw["version"] == 2, parse=lambda raw: [])
WRONG = Dialect(recognizes=lambda raw: "wrong" in raw, parse=lambda raw: raw["wrong"])
UNTYPED = Dialect(
    recognizes=lambda raw: "untyped" in raw,
    parse=lambda raw: [ItemEvent(event_id=7, event_time=0, item_id="i1")],
)
"""
ENTRY_POINTS = """
[aisle.dialects]
a_unsure = shop_orders:UNSURE
orders = shop_orders:ORDERS
untyped = shop_orders:UNTYPED
wrong = shop_orders:WRONG
"""
ORDER = {
    "order_no": 12,
    "at": GOOD_TIME,
    "customer": "c9",
    "lines": [
        {"sku": "p1", "name": "Red shoe", "price": 9.5},
        {"sku": 7, "name": "Lace", "price": 2},
    ],
}


@pytest.fixture
def shop_dialects(install):
    """Installs the package of a shop with four dialects."""
    install("shop_orders", ORDERS, ENTRY_POINTS)


def test_the_dialect_follows_from_the_keys():
    assert dialect_of({"event": "item"}) == "metarank"
    assert dialect_of({"kind": "item", "event": 1}) == "canonical"
    assert dialect_of(None) == "canonical"
    assert next(iter(dialects())) == "canonical"


@pytest.mark.parametrize("name", ["canonical", "metarank"])
def test_a_package_cannot_replace_a_built_in_dialect(install, name):
    code = "from feature_repo.events.dialects import Dialect\n"
    code += "GIFTS = Dialect(recognizes=bool, parse=list)"
    install("gifts", code, f"[aisle.dialects]\n{name} = gifts:GIFTS\n")

    with pytest.raises(ExtensionError, match=f"package gifts, entry point '{name}'.*Rename it."):
        dialects()


def test_installed_dialects_are_tried_first_in_the_order_of_their_names(shop_dialects):
    assert [*dialects()][:5] == ["a_unsure", "orders", "untyped", "wrong", "canonical"]
    assert dialect_of(ORDER | {"event": "item"}) == "orders"
    assert dialect_of({"kind": "item"}) == "canonical"


@pytest.mark.parametrize("parse", [parse_events, parse_feedback])
def test_an_object_of_an_installed_dialect_becomes_several_events(shop_dialects, parse):
    events = parse(ORDER)

    assert [(event.kind, event.event_id) for event in events] == [
        ("item", "12-0-item"),
        ("interaction", "12-0"),
        ("item", "12-1-item"),
        ("interaction", "12-1"),
    ]
    assert events[1] == InteractionEvent(
        event_id="12-0",
        event_time=parse_instant(GOOD_TIME),
        item_id="p1",
        type="purchase",
        user_id="c9",
        value=9.5,
    )


LONG_SLATE = RankingEvent(
    event_id="r1",
    event_time=parse_instant(GOOD_TIME),
    request_id="r1",
    items=tuple(ShownItem(f"i{n}") for n in range(1001)),
)
LONG_ID = ItemEvent(event_id="i1", event_time=parse_instant(GOOD_TIME), item_id="i" * 600)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ORDER | {"at": "soon"}, "event_time: expected an ISO 8601 time"),
        ({"order_no": 12}, "event: expected an object of the dialect orders, found .KeyError"),
        ({"wrong": None}, "event: expected an object of the dialect wrong, found .TypeError"),
        ({"wrong": ["text"]}, "expected events of .*, found str"),
        ({"wrong": [LONG_SLATE]}, "items: expected at most 1000 items, found .*1001 items"),
        ({"wrong": [LONG_ID]}, "item_id: expected an id: text of 1 to 512 characters"),
        ({"untyped": 1}, "dialect untyped, found 'ValidationError: Expected `str`, got `int`"),
    ],
)
def test_a_failure_of_an_installed_dialect_is_the_reason_to_quarantine(shop_dialects, raw, reason):
    with pytest.raises(EventError, match=reason):
        parse_events(raw)


def test_feedback_is_never_canonical():
    with pytest.raises(EventError, match="event: expected one of item, user, ranking"):
        parse_feedback(interaction())


def test_files_in_an_installed_dialect_are_ingested(shop_dialects, log, home, clock, write):
    path = write([ORDER, interaction("e1"), ORDER | {"order_no": 13, "lines": [{}]}, ORDER])

    dry = validate([path], clock=clock)
    report = ingest([path], home=home, clock=clock)

    assert (report.read, report.accepted, report.duplicate) == (10, 5, 4)
    assert [line.line for line in report.quarantined.first] == [3]
    assert (dry.read, dry.accepted, dry.duplicate) == (10, 5, 4)
    assert {event.event_id for event in compacted(log)} == {
        "12-0",
        "12-0-item",
        "12-1",
        "12-1-item",
        "e1",
    }


def test_fields_of_a_shop_are_inferred_from_an_installed_dialect(shop_dialects, write):
    shop, _ = infer_shop([write([ORDER | {"order_no": n} for n in range(3)])])

    assert [field.name for field in shop.item_fields] == ["title"]


def test_dialect_of_the_documentation_works(install, write, clock):
    page = (CHECKOUT / "docs" / "events.md").read_text(encoding="utf-8")
    page = page[page.index("## Dialects") :]
    code, entry_points = re.findall(r"```(?:python|toml)\n(.*?)```", page, re.DOTALL)
    install(
        "shop_orders",
        code,
        entry_points.replace('project.entry-points."aisle.dialects"', "aisle.dialects").replace(
            '"', ""
        ),
    )

    report = validate([write([ORDER])], clock=clock)

    assert report.kinds == {"interaction": 2}


def test_without_an_installed_dialect_the_object_is_quarantined(write):
    report = validate([write([ORDER])], clock=Clock())

    assert [line.reason for line in report.quarantined.first] == [
        f"kind: expected one of {', '.join(SHOP_KINDS)}, found None"
    ]
