"""The pages that a shopper reads: home, category, search, item, cart, order, shoppers."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from feature_repo.events.contract import identifier
from serving.contract import ApiError
from serving.monitoring import run_in_pool
from serving.storefront import events, lists
from serving.storefront.addresses import address
from serving.storefront.chips import Chip, chips
from serving.storefront.items import Item
from serving.storefront.page import Page
from serving.storefront.selection import Selection, facet_forms
from serving.storefront.shop_list import PAGE_SIZE, ShopList, curl
from training.retrieval.catalogue import sellable

HOME_SIZE, SHELF_SIZE = 12, 6
MOST_CATEGORIES = 16


@dataclass(frozen=True)
class Shelf:
    """A list with its items, as templates show it.

    Attributes:
        command: the request as a curl command.
        reasons: parameters of the page that explains an item of the list.
        is_popular: whether the list had no items, and popular ones are shown.
    """

    shown: lists.Shown
    items: Mapping[str, Item]
    command: str
    reasons: list[tuple[str, str]]

    @property
    def is_popular(self) -> bool:
        """Whether nothing is recorded for the list, so that it shows popular items."""
        return "surface" in self.shown.answer.relaxed


async def home(page: Page) -> Response:
    """Recommend to the shopper."""
    selected = await _followed(page, ShopList("home", size=HOME_SIZE))
    trending = await _shelf(page, ShopList("trending", size=SHELF_SIZE))
    return page.render("home.html", shelf=selected, trending=trending, categories=_categories(page))


async def search(page: Page) -> Response:
    """Search, or browse with filters."""
    listed = page.listed()
    if listed.surface != "search":
        listed = replace(listed, surface="search", seed=None)
    return await _results(page, listed, heading="")


async def category(page: Page) -> Response:
    """Browse a category."""
    name = page.parameter("name")
    field = page.resources.shop.item_role("category")
    if field is None or not name:
        raise ApiError(404, "name", "a category of the shop", repr(name))
    listed = page.listed()
    values = {**listed.selection.values, field.name: [name]}
    selection = Selection(values, listed.selection.ranges, listed.selection.problems)
    return await _results(page, replace(listed, surface="search", selection=selection), name)


async def item(page: Page) -> Response:
    """Show an item; coming from a list, this is a click."""
    item_id = identifier(page.parameter("id"), "id")
    clicked = await _click(page, item_id)
    shown = page.items([item_id])[item_id]
    similar = await _shelf(page, ShopList("similar", seed=item_id, size=SHELF_SIZE))
    together = await _shelf(page, ShopList("together", seed=item_id, size=SHELF_SIZE))
    event = clicked or events.interaction(page.resources, page.visitor, "click", item_id)
    return page.render(
        "item.html",
        200 if shown.is_for_sale else 404,
        item=shown,
        similar=similar,
        together=together,
        is_click=clicked is not None,
        request_id=page.parameter("from"),
        click_command=curl(page.origin, "/events", event),
    )


async def cart(page: Page) -> Response:
    """Show the cart."""
    items = page.items(page.visitor.cart)
    sent = [
        events.interaction(page.resources, page.visitor, "purchase", one)
        for one in page.visitor.cart
    ]
    return page.render("cart.html", items=items, order_command=curl(page.origin, "/events", sent))


async def order(page: Page) -> Response:
    """Confirm a simulated order."""
    ordered = page.request.query_params.getlist("item")[:PAGE_SIZE]
    return page.render("order.html", order_id=page.parameter("id"), items=page.items(ordered))


async def shoppers(page: Page) -> Response:
    """List the shoppers whom a person can play."""
    visitor = page.visitor
    path = f"/users/{quote(visitor.user)}" if visitor.user else f"/sessions/{visitor.session}"
    return page.render(
        "shoppers.html",
        personas=page.front.personas.listed,
        shopper_command=f"curl {shlex.quote(page.origin + path)}",
    )


async def _results(page: Page, listed: ShopList, heading: str) -> Response:
    shelf = await _followed(page, listed)
    answer = shelf.shown.answer
    return page.render(
        "results.html",
        shelf=shelf,
        heading=heading,
        chips=_chips(page, listed, answer.understood, answer.relaxed),
        facets=facet_forms(page.resources.shop, answer.facets, listed.selection),
        removable=_removable(listed, heading),
        sorts=_sorts(page),
        next_page=_page_address(listed, heading, +1) if answer.next else None,
        last_page=_page_address(listed, heading, -1) if listed.page > 1 else None,
    )


async def _shelf(page: Page, listed: ShopList) -> Shelf:
    shown = await lists.show(page.resources, page.visitor, listed, page.market)
    ids = [*shown.item_ids, *(move.item for move in shown.moves)]
    command = curl(page.origin, listed.address, shown.body)
    return Shelf(shown, page.items(ids), command, listed.parameters(list=listed.surface))


async def _followed(page: Page, listed: ShopList) -> Shelf:
    """Return the main list of a page, whose next answer says what moved."""
    shelf = await _shelf(page, listed)
    page.visitor = page.visitor.with_slate(listed.key, shelf.shown.answer.request_id)
    return shelf


async def _click(page: Page, item_id: str) -> Mapping[str, Any] | None:
    """Send the click that leads to an item's page; a prefetch of the browser is none."""
    request_id = page.parameter("from")
    headers = page.request.headers
    if not request_id or "prefetch" in headers.get("sec-purpose", headers.get("purpose", "")):
        return None

    def record() -> Mapping[str, Any] | None:
        event = events.click(page.resources, page.visitor, item_id, request_id)
        if event is None or not events.send(page.resources, [event]):
            return None
        return event

    return await run_in_pool(page.resources.writers, record)


def _chips(
    page: Page, listed: ShopList, understood: Mapping[str, Any], relaxed: list[str]
) -> list[tuple[Chip, str | None]]:
    """Return the chips, each with the address of the search without its condition."""
    if not listed.query:
        return []
    price = page.resources.shop.price_field
    described = chips(listed.query, understood, relaxed, price)
    return [(chip, _without(listed, chip)) for chip in described]


def _without(listed: ShopList, chip: Chip) -> str | None:
    if chip.query is None:
        return None
    ranges = {**listed.selection.ranges, **(chip.ranges or {})}
    selection = Selection(listed.selection.values, ranges)
    return address("search", replace(listed, query=chip.query, selection=selection).parameters())


def _removable(listed: ShopList, heading: str) -> list[tuple[str, str]]:
    """Return each chosen filter, and the address of the list without it."""
    chosen = listed.selection.parameters()
    others = [one for one in listed.parameters() if one not in chosen]
    base = [("name", heading)] if heading else []
    path = "category" if heading else "search"
    return [
        (
            f"{name.partition('.')[2]} {_LIMITS[name.partition('.')[0]]}{value}",
            address(path, [*base, *others, *(one for one in chosen if one != (name, value))]),
        )
        for name, value in chosen
        if value != heading
    ]


_LIMITS = {"f": "", "min": "from ", "max": "up to "}


def _page_address(listed: ShopList, heading: str, step: int) -> str:
    base = [("name", heading)] if heading else []
    pages = [("page", str(listed.page + step))]
    return address("category" if heading else "search", [*base, *listed.parameters(), *pages])


def _sorts(page: Page) -> list[tuple[str, str]]:
    """Return the orders that a shopper can choose, by value of `sort`, in words."""
    price = page.resources.shop.price_field
    by_price = [("price", "price, lowest first"), ("-price", "price, highest first")]
    return [("relevance", "relevance"), ("newest", "newest"), *(by_price if price else [])]


def _categories(page: Page) -> list[tuple[str, int]]:
    """Return the largest categories of the market, with the number of their items."""
    table, field = page.item_table, page.resources.shop.item_role("category")
    if table is None or field is None or field.type not in ("category", "list"):
        return []
    for_sale = sellable(table, page.declared_market.name)
    counted = sorted(table.coded(field).facet(for_sale), key=lambda one: (-one[1], one[0]))
    return [(value, count) for value, count in counted[:MOST_CATEGORIES] if count]
