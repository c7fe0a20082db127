"""The forms of the storefront: each sends events, changes the visitor, and shows a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from feature_repo.events.contract import identifier
from serving.contract import ApiError, new_id
from serving.monitoring import run_in_pool
from serving.storefront import events
from serving.storefront.addresses import address
from serving.storefront.page import Page

MOST_IN_CART, MOST_HIDDEN = 30, 40


async def play(page: Page) -> Response:
    """Play another shopper, or in another market."""
    form = await page.form()
    user = form.get("other", "").strip() or form.get("user", "").strip() or None
    if user is not None:
        identifier(user, "user")
    page.visitor = page.visitor.playing(user, _market(page, form))
    return page.redirect(form.get("back", ""))


async def add(page: Page) -> Response:
    """Put an item into the cart."""
    form = await page.form()
    item_id = identifier(form.get("item"), "item")
    if len(page.visitor.cart) >= MOST_IN_CART:
        raise ApiError(400, "cart", f"at most {MOST_IN_CART} items", "more")
    await _send(page, [_interaction(page, "add_to_cart", item_id, form)])
    page.visitor = page.visitor.with_changes(cart=(*page.visitor.cart, item_id))
    if page.is_fragment:
        return page.render("_added.html", item=page.items([item_id])[item_id])
    return page.redirect(address("cart"))


async def remove(page: Page) -> Response:
    """Take an item out of the cart."""
    form = await page.form()
    cart = list(page.visitor.cart)
    if form.get("item") in cart:
        cart.remove(form["item"])
    page.visitor = page.visitor.with_changes(cart=tuple(cart))
    return page.redirect(address("cart"))


async def order(page: Page) -> Response:
    """Order what is in the cart; nothing is charged."""
    await page.form()
    cart, order_id = page.visitor.cart, new_id()[:8]
    if not cart:
        return page.redirect(address("cart"))
    await _send(page, [_interaction(page, "purchase", item_id, {}) for item_id in cart])
    page.visitor = page.visitor.with_changes(cart=())
    return page.redirect(address("order", [("id", order_id), *(("item", one) for one in cart)]))


async def hide(page: Page) -> Response:
    """Hide an item in which the shopper is not interested."""
    form = await page.form()
    item_id = identifier(form.get("item"), "item")
    await _send(page, [_interaction(page, events.NOT_INTERESTED, item_id, form)])
    hidden = (*page.visitor.hidden, item_id)
    page.visitor = page.visitor.with_changes(hidden=hidden[-MOST_HIDDEN:])
    back = form.get("back", "")
    if page.is_fragment:
        return page.render("_hidden.html", item=page.items([item_id])[item_id], back=back)
    return page.redirect(back)


async def unhide(page: Page) -> Response:
    """Show hidden items again: one, or all."""
    form = await page.form()
    remaining = [one for one in page.visitor.hidden if form.get("item") not in (None, one)]
    page.visitor = page.visitor.with_changes(hidden=tuple(remaining))
    return page.redirect(form.get("back", ""))


def _interaction(page: Page, type_: str, item_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    seen = {"request_id": form["request"]} if form.get("request") else {}
    return events.interaction(page.resources, page.visitor, type_, item_id, **seen)


async def _send(page: Page, sent: Sequence[Mapping[str, Any]]) -> None:
    """Send events.

    Raises:
        ApiError: 503, they were not logged.
    """
    is_logged = await run_in_pool(page.resources.writers, lambda: events.send(page.resources, sent))
    if not is_logged:
        raise ApiError(503, "events", "a log that can be written", "an error; try again")


def _market(page: Page, form: Mapping[str, str]) -> str | None:
    name = form.get("market", "").strip() or None
    return page.resources.shop.declared_market(name) or name
