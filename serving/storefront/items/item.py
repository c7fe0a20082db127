"""Items as a page shows them, by the roles of the shop's fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feature_repo.home import to_text
from feature_repo.shop import Market, Role, ShopField, language_code
from serving.storefront.items.pictures import picture
from training.pages import image_origin
from training.retrieval.catalogue import Fields, ItemTable, as_text

LONGEST_TEXT = 160
"""Characters of a description on a card."""

_DRAWN_ROLES: tuple[Role, ...] = ("title", "price", "list_price", "image", "text")


@dataclass(frozen=True)
class Attribute:
    """One field of an item, for the table of its page."""

    name: str
    description: str
    text: str


@dataclass(frozen=True)
class Item:
    """An item, in the words of a market.

    Attributes:
        item_id: of the item.
        title: its title, else its id.
        language: code of the language of its texts.
        labels: category and brand.
        text: its description; empty without one.
        price: with currency; empty without one.
        list_price: before a discount; empty unless it is above the price.
        image: address of its picture; None without one.
        picture: an SVG drawing, where it has no image.
        attributes: its other fields.
        is_for_sale: whether the shop has the item.
    """

    item_id: str
    title: str
    language: str
    labels: tuple[str, ...] = ()
    text: str = ""
    price: str = ""
    list_price: str = ""
    image: str | None = None
    picture: str = ""
    attributes: tuple[Attribute, ...] = ()
    is_for_sale: bool = True

    @property
    def summary(self) -> str:
        """The beginning of the description."""
        if len(self.text) <= LONGEST_TEXT:
            return self.text
        return self.text[:LONGEST_TEXT].rsplit(" ", 1)[0] + " …"


def read_items(
    item_table: ItemTable | None, item_ids: Sequence[str], market: Market
) -> dict[str, Item]:
    """Return the items of some ids; an item that is not for sale has only its id."""
    code = language_code(market.language)
    if item_table is None:
        return {item_id: _without_fields(item_id, code) for item_id in item_ids}
    fields = item_table.fields_of(item_ids)
    reader = _Reader(item_table, market, code)
    return {
        item_id: _without_fields(item_id, code) if one is None else reader.item(item_id, one)
        for item_id, one in zip(item_ids, fields, strict=True)
    }


def _without_fields(item_id: str, code: str) -> Item:
    return Item(item_id, item_id, code, picture=picture(item_id, []), is_for_sale=False)


class _Reader:
    """Reads items of one table for one market."""

    def __init__(self, item_table: ItemTable, market: Market, code: str) -> None:
        self._shop, self._market, self._code = item_table.shop, market, code
        self._texts = self._shop.choices(market.language, "text")

    def item(self, item_id: str, fields: Fields) -> Item:
        title = self._text("title", fields)
        labels = [self._label(role, fields) for role in ("category", "brand")]
        image = self._value("image", fields)
        address = image[0] if isinstance(image, list) and image else image
        has_image = image_origin(address) is not None
        values = [as_text(fields.get(f.column)) for f in self._shop.items_of("category", "list")]
        price, before = (self._number(role, fields) for role in ("price", "list_price"))
        return Item(
            item_id,
            title or item_id,
            self._code,
            tuple(filter(None, labels)),
            self._text("text", fields) or self._other_text(fields),
            self._amount(price),
            self._amount(before) if price is not None and (before or 0) > price else "",
            str(address) if has_image else None,
            "" if has_image else picture(title or item_id, values),
            self._attributes(fields),
        )

    def _attributes(self, fields: Fields) -> tuple[Attribute, ...]:
        return tuple(
            Attribute(field.name, field.description, text)
            for field in self._shop.item_fields
            if field.role not in _DRAWN_ROLES
            and field.type not in ("text", "vector")
            and (text := _shown(field, fields.get(field.column)))
        )

    def _value(self, role: Role, fields: Mapping[str, Any]) -> Any:
        field = self._shop.item_role(role)
        return None if field is None else fields.get(field.column)

    def _text(self, role: Role, fields: Mapping[str, Any]) -> str:
        """Return the text of a role in the market's language, else in the shop's."""
        field = self._shop.item_role(role)
        if field is None:
            return ""
        choice = next((each for each in self._texts if field in each), [field])
        if role != "title":
            choice = [each for each in choice if each.role != "title"]
        return next(filter(None, (as_text(fields.get(each.column)) for each in choice)), "")

    def _other_text(self, fields: Mapping[str, Any]) -> str:
        """Return the first text that has no role; a shop need not name its description."""
        own = (f for f in self._shop.items_of("text") if f.role is None)
        return next((text for f in own if (text := as_text(fields.get(f.column)))), "")

    def _label(self, role: Role, fields: Mapping[str, Any]) -> str:
        value = self._value(role, fields)
        return ", ".join(value[:3]) if isinstance(value, list) else str(value or "")

    def _number(self, role: Role, fields: Mapping[str, Any]) -> float | None:
        value = self._value(role, fields)
        return float(value) if isinstance(value, int | float) else None

    def _amount(self, price: float | None) -> str:
        return "" if price is None else f"{price:,.2f} {self._market.currency or ''}".strip()


def _shown(field: ShopField, value: Any) -> str:
    match value:
        case None | "" | []:
            return ""
        case list():
            return ", ".join(map(str, value))
        case bool():
            return "yes" if value else "no"
        case float() | int() if field.type == "number":
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return to_text(value)[:10] if field.type == "time" else str(value)
