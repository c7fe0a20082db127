"""Orders of Shopify: the CSV export, objects of its API, and synchronized tables.

    a line of an order       becomes a purchase of the customer, with quantity, value and currency
    a cancelled order        also a correction of each of its purchases
    an order without lines   an upsert of its customer: only lines name items
    an order of a test       quarantined

The customer is the shop's id, else the SHA-256 of the e-mail address in lower case.  The order is
the session.  A table of lines has no time and no customer: it needs the table of orders in the same
run.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from feature_repo.events.catalogues.amounts import read_price, read_quantity
from feature_repo.events.catalogues.catalogue import Catalogue, Row, Rows, SourceFile, has_names
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    UserEvent,
    identifier,
    read_currency,
)
from feature_repo.home import EventError, parse_instant

NAME = "shopify_orders"
LINES = "shopify_order_lines"
_SPELLINGS = names(
    id="",
    name="",
    email="contact email",
    customer_id="",
    customer="",
    created_at="processed at",
    cancelled_at="canceled at",
    currency="",
    test="",
    financial_status="",
    order_number="",
    line_items="",
    accepts_marketing="buyer accepts marketing",
    country="shipping country | shipping address country code | billing country",
    total="total line items price | subtotal | subtotal price",
    order_id="",
    index="",
    sku="lineitem sku",
    quantity="lineitem quantity",
    price="lineitem price",
    title="lineitem name",
    discount="lineitem discount | total discount",
    product_id="",
    variant_id="",
    gift_card="",
)
_OF_LINE = ("sku", "quantity", "price", "title", "discount", "product_id", "variant_id")
_BOTH_FILES = "Give the table of orders in the same run: aisle ingest orders.csv order_lines.csv."
_NO_LINES = EventError(
    "line_items",
    "the lines of the order",
    None,
    "Give the table of order lines in the same run: it names the items that were bought.",
)


def _recognizes(raw: Raw) -> bool:
    if has_names(
        raw,
        _SPELLINGS,
        ("line_items", "created_at"),
        any_of=1,
        others=("financial_status", "order_number", "customer"),
    ):
        return True
    required = ("created_at", "financial_status")
    return has_names(
        raw,
        _SPELLINGS,
        required,
        any_of=2,
        others=("order_number", "customer_id", "total", "price"),
    )


def _recognizes_lines(raw: Raw) -> bool:
    ids = ("variant_id", "product_id", "sku")
    return "event" not in raw and has_names(
        raw, _SPELLINGS, ("order_id", "quantity", "price"), any_of=2, others=ids
    )


def _fill_down(rows: Rows, file: SourceFile) -> Iterator[Row]:
    """Yield the rows of orders, those of further lines with what the first row of an order says."""
    order: dict[str, Any] = {}
    numbers: Counter[object] = Counter()
    has_lines = next(file.others(LINES), None) is not None
    for number, raw, _ in rows():
        is_table_of_orders = "price" not in raw
        if raw.get("created_at") or raw.get("name") != order.get("name"):
            order = {name: value for name, value in raw.items() if name not in _OF_LINE}
        own = {name: value for name, value in raw.items() if value not in (None, "")}
        key = raw.get("name") or raw.get("id")
        numbers[key] += 1
        row = {**order, **own} if is_table_of_orders else {**order, **own, "index": numbers[key]}
        lacks = is_table_of_orders and not has_lines
        yield Row(number, row, _NO_LINES if lacks else None)


def _join_orders(rows: Rows, file: SourceFile) -> Iterator[Row]:
    """Yield the lines of orders with the time, customer and currency of their orders."""
    shared = ("created_at", "cancelled_at", "customer_id", "email", "currency", "test")
    orders = {
        str(order.get("id")): {name: order[name] for name in shared if name in order}
        for order in (renamed(row.raw, _SPELLINGS) for row in file.others(NAME))
    }
    for number, raw, warning in rows():
        yield Row(number, {**raw, **orders.get(str(raw.get("order_id")), {})}, warning)


def _parse(raw: Raw) -> list[AnyEvent]:
    order = renamed(raw, _SPELLINGS)
    if str(order.get("test") or "").casefold() in ("true", "yes", "1"):
        raise EventError("test", "an order that is no test", order["test"])
    customer = order.get("customer")
    if isinstance(customer, dict):
        order = {**order, "customer_id": order.get("customer_id") or customer.get("id")}
    lines = order.get("line_items")
    if isinstance(lines, list):
        listed = [_line_of(one, n) for n, one in enumerate(lines, 1)]
        return [event for line in listed for event in _purchase({**order, **line})]
    if order.get("price") not in (None, "") and order.get("quantity") not in (None, ""):
        return _purchase(order)
    return [_user(order)]


def _parse_line(raw: Raw) -> list[AnyEvent]:
    line = renamed(raw, _SPELLINGS)
    if not line.get("created_at"):
        raise EventError("order_id", "an order with its time", line.get("order_id"), _BOTH_FILES)
    return _parse(line)


def _line_of(line: object, number: int) -> dict[str, Any]:
    if not isinstance(line, dict):
        raise EventError("line_items", "objects", line)
    own = renamed(line, _SPELLINGS)
    return {name: own.get(name) for name in _OF_LINE} | {"index": own.get("id") or number}


def _purchase(order: Raw) -> list[AnyEvent]:
    """Return the purchase of a line; for a cancelled order also its correction."""
    quantity = read_quantity(order.get("quantity"), "quantity")
    if quantity is None or quantity <= 0:
        raise EventError("quantity", "units above 0", order.get("quantity"))
    price = read_price(order.get("price"), "price")
    discount = read_price(order.get("discount"), "discount")
    if price is None:
        raise EventError("price", "the price of one unit", order.get("price"))
    order_id = identifier(_text(order, "order_id", "id", "name"), "order_id")
    line = order["id"] if "order_id" in order and order.get("id") else order.get("index", 1)
    value = quantity * price.value - (discount.value if discount else 0.0)
    currency = price.currency or order.get("currency")
    bought = InteractionEvent(
        event_id=f"{NAME}:{order_id}:{line}",
        event_time=_instant(order["created_at"], "created_at"),
        item_id=identifier(_text(order, "sku", "variant_id", "product_id", "title"), "sku"),
        type="purchase",
        user_id=_customer(order),
        session_id=order_id,
        quantity=quantity,
        value=round(max(value, 0.0), 6),
        currency=read_currency(currency, "currency") if currency else None,
    )
    if not order.get("cancelled_at"):
        return [bought]
    return [bought, _correction(bought, _instant(order["cancelled_at"], "cancelled_at"))]


def _correction(bought: InteractionEvent, at: int) -> InteractionEvent:
    return InteractionEvent(
        event_id=f"{bought.event_id}/cancelled",
        event_time=max(at, bought.event_time),
        item_id=bought.item_id,
        type=bought.type,
        user_id=bought.user_id,
        session_id=bought.session_id,
        corrects=bought.event_id,
    )


def _user(order: Raw) -> UserEvent:
    """Return the upsert of an order's customer: country and consent, nothing that names them."""
    user_id = _customer(order)
    if user_id is None:
        raise EventError("customer_id", "a customer, because the order has no lines", None)
    order_id = _text(order, "id", "name")
    country, consent = str(order.get("country") or ""), str(order.get("accepts_marketing") or "")
    fields: dict[str, Any] = {}
    if len(country) == 2:
        fields["country"] = country.upper()
    if consent:
        fields["accepts_marketing"] = consent.casefold() in ("true", "yes", "1")
    return UserEvent(
        event_id=f"{NAME}:{order_id}:customer",
        event_time=_instant(order.get("created_at"), "created_at"),
        user_id=user_id,
        fields=fields,
    )


def _customer(order: Raw) -> str | None:
    named = _text(order, "customer_id")
    if named is not None:
        return identifier(named, "customer_id")
    email = str(order.get("email") or "").strip().lower()
    return hashlib.sha256(email.encode()).hexdigest() if email else None


def _text(order: Raw, *alternatives: str) -> str | None:
    """Return the first value as an id; a data frame writes a whole number with a gap as 7.0."""
    for name in alternatives:
        value = order.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value not in (None, ""):
            return re.sub(r"^(\d+)\.0$", r"\1", str(value).strip())
    return None


def _instant(value: object, field: str) -> int:
    """Read a time; Shopify writes a space before its offset, Python does not read it."""
    if isinstance(value, str):
        value = re.sub(r"\s+(?=[+-]\d{2}:?\d{2}$)", "", value.strip())
    return parse_instant(value, field)


SHOPIFY_ORDERS = Catalogue(
    name=NAME,
    description="Orders of Shopify: the CSV export, objects of its API, or a synchronized table.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
    amounts=("price", "discount"),
    prepare=_fill_down,
)
SHOPIFY_ORDER_LINES = Catalogue(
    name=LINES,
    description="A synchronized table of Shopify's order lines, with that of the orders.",
    recognizes=_recognizes_lines,
    parse=_parse_line,
    spellings=_SPELLINGS,
    amounts=("price", "discount"),
    prepare=_join_orders,
)
