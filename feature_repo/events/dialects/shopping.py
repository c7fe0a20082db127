"""Events that every commerce dialect says: lists, actions on products, orders and refunds.

An order's events have ids of the order and its items, so that an order that two systems report
counts once, and a refund finds what it takes back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from feature_repo.events.contract import (
    AnyEvent,
    FieldValue,
    InteractionEvent,
    RankingEvent,
    ShownItem,
    check_length,
    identifier,
)

REMOVE_FROM_CART, BEGIN_CHECKOUT = "remove_from_cart", "begin_checkout"
ADD_TO_WISHLIST = "add_to_wishlist"
"""Names of common actions that Aisle logs and, unless a shop adds a view, does not count."""


class Product(NamedTuple):
    """A product of an event.

    Attributes:
        price: of one unit.
        position: in its list; only their order counts.
        extra: what else the sender says of it.
    """

    item_id: str
    price: float | None = None
    quantity: float | None = None
    currency: str | None = None
    position: float | None = None
    extra: dict[str, FieldValue] | None = None

    @property
    def value(self) -> float | None:
        """The amount of all units."""
        if self.price is None:
            return None
        return self.price if self.quantity is None else round(self.price * self.quantity, 6)


@dataclass(slots=True)
class Occasion:
    """What the events of one object share.

    Attributes:
        event_id: of the object.
        order_id: of an order, or of the order that was refunded.
        extra: what else the sender says.
    """

    event_id: str
    event_time: int
    user_id: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    order_id: str | None = None
    extra: dict[str, FieldValue] | None = None


def slate(
    occasion: Occasion,
    products: Sequence[Product],
    *,
    query: str | None = None,
    surface: str | None = None,
    utc_offset_minutes: int | None = None,
) -> list[AnyEvent]:
    """Return the ranking of a list that was shown, best position first, each item once.

    The products are in the order of their positions if each has one, else as given. The request id
    of a list that has none is its event id.
    """
    check_length(products, "items")
    if all(product.position is not None for product in products):
        products = sorted(products, key=lambda product: product.position or 0.0)
    items = dict.fromkeys(product.item_id for product in products)
    return [
        RankingEvent(
            event_id=occasion.event_id,
            event_time=occasion.event_time,
            request_id=occasion.request_id or occasion.event_id,
            items=tuple(map(ShownItem, items)),
            user_id=occasion.user_id,
            session_id=occasion.session_id,
            query=query,
            surface=surface,
            utc_offset_minutes=utc_offset_minutes,
            extra=occasion.extra,
        )
    ]


def interactions(occasion: Occasion, name: str, products: Sequence[Product]) -> list[AnyEvent]:
    """Return an interaction of a type with each product.

    Amounts belong to purchases and additions to a cart; of other types the price is an extra.
    """
    ids = _ids(occasion, name, products)
    has_amount = name in ("purchase", "add_to_cart")
    return [
        InteractionEvent(
            event_id=event_id,
            event_time=occasion.event_time,
            item_id=product.item_id,
            type=name,
            request_id=occasion.request_id,
            user_id=occasion.user_id,
            session_id=occasion.session_id,
            value=product.value if has_amount else None,
            quantity=product.quantity,
            currency=product.currency if has_amount and product.price is not None else None,
            extra=_joined(occasion.extra, product.extra),
        )
        for event_id, product in zip(ids, products, strict=True)
    ]


def refunds(occasion: Occasion, products: Sequence[Product]) -> list[AnyEvent]:
    """Return the corrections that take back the purchases of an order, a product each."""
    if occasion.order_id is None:
        raise ValueError("A refund needs the id of its order.")
    order = f"order:{occasion.order_id}"
    return [
        InteractionEvent(
            event_id=identifier(event_id.replace("order:", "refund:", 1), "event_id"),
            event_time=occasion.event_time,
            item_id=product.item_id,
            type="purchase",
            corrects=event_id,
            extra=_joined(occasion.extra, product.extra),
        )
        for event_id, product in zip(_line_ids(order, products), products, strict=True)
    ]


def _ids(occasion: Occasion, name: str, products: Sequence[Product]) -> Iterable[str]:
    if name == "purchase" and occasion.order_id is not None:
        return _line_ids(f"order:{occasion.order_id}", products)
    if len(products) == 1:
        return [occasion.event_id]
    return [f"{occasion.event_id}:{n}" for n in range(1, len(products) + 1)]


def _line_ids(order: str, products: Sequence[Product]) -> list[str]:
    """Return an id for each line of an order; the second line of an item ends with `:2`."""
    lines: Counter[str] = Counter()
    ids = []
    for product in products:
        lines[product.item_id] += 1
        n = lines[product.item_id]
        line = f"{order}:{product.item_id}" if n == 1 else f"{order}:{product.item_id}:{n}"
        ids.append(identifier(line, "event_id"))
    return ids


def _joined(
    shared: Mapping[str, FieldValue] | None, own: Mapping[str, FieldValue] | None
) -> dict[str, FieldValue] | None:
    return {**(shared or {}), **(own or {})} or None
