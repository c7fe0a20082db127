"""The visitor of a browser: which shopper it plays, its cart, and what it saw last.

All of it is in one cookie.  A browser may write what it likes into a cookie, so everything is
checked when it is read; who may use the storefront may play any shopper.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from feature_repo.events.contract import identifier
from feature_repo.home import EventError
from serving.contract import ApiError, new_id

COOKIE = "aisle_visitor"
MAX_BYTES = 3_500
"""Browsers store 4,096 bytes of a cookie with its name and attributes."""

MOST_SLATES = 6


class Visitor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one browser does in the storefront.

    Attributes:
        session: id of the visit; a new one for each shopper that the browser plays.
        token: repeated by every form, so that no other page can send one.
        user: id of the shopper; None for a visitor without a name.
        market: name of the market; None for the shop's default.
        is_chosen: whether the person chose shopper and market, or the storefront did.
        cart: ids of items.
        hidden: ids of items that the shopper is not interested in.
        slates: by list, the request id of its last answer.
    """

    session: str
    token: str
    user: str | None = None
    market: str | None = None
    is_chosen: bool = False
    cart: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    slates: Mapping[str, str] = {}

    def playing(self, user: str | None, market: str | None) -> "Visitor":
        """Return the visitor as another shopper, with a new visit and an empty cart."""
        return Visitor(new_id(), self.token, user, market, is_chosen=True)

    def with_changes(self, **changes: Any) -> "Visitor":
        """Return the visitor with other values of some fields."""
        return msgspec.structs.replace(self, **changes)

    def with_slate(self, name: str, request_id: str) -> "Visitor":
        """Return the visitor after the answer of a list; the oldest answers are forgotten."""
        slates = {key: value for key, value in self.slates.items() if key != name}
        slates[name] = request_id
        return self.with_changes(slates=dict([*slates.items()][-MOST_SLATES:]))

    def check_token(self, form: Mapping[str, str]) -> None:
        """Check that a form comes from a page of this visitor.

        Raises:
            ApiError: 403.
        """
        token = form.get("token", "")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise ApiError(403, "token", "the token of this page; reload it", "another")


def read_visitor(request: Request) -> Visitor | None:
    """Return the visitor of a request; None without a valid cookie."""
    try:
        packed = base64.urlsafe_b64decode(request.cookies[COOKIE].encode("ascii"))
        visitor = msgspec.json.decode(packed, type=Visitor)
        for name, values in _ids(visitor):
            for value in values:
                identifier(value, name)
    except (KeyError, ValueError, binascii.Error, EventError):
        return None
    return visitor


def new_visitor(user: str | None, market: str | None) -> Visitor:
    """Return the visitor of a browser without a cookie."""
    return Visitor(new_id(), new_id(), user, market)


def set_visitor(response: Response, visitor: Visitor) -> None:
    """Store the visitor in the browser; what is too large loses its oldest parts."""
    packed = msgspec.json.encode(visitor)
    while len(packed) > MAX_BYTES * 3 // 4:
        visitor = _smaller(visitor)
        packed = msgspec.json.encode(visitor)
    value = base64.urlsafe_b64encode(packed).decode()
    response.set_cookie(COOKIE, value, path="/shop", httponly=True, samesite="strict")


def _smaller(visitor: Visitor) -> Visitor:
    if visitor.slates:
        return visitor.with_changes(slates={})
    if visitor.hidden:
        return visitor.with_changes(hidden=visitor.hidden[len(visitor.hidden) // 2 + 1 :])
    if visitor.cart:
        return visitor.with_changes(cart=visitor.cart[len(visitor.cart) // 2 + 1 :])
    return visitor.with_changes(user=None, market=None)


def _ids(visitor: Visitor) -> Iterable[tuple[str, Iterable[str]]]:
    yield "session", (visitor.session,)
    yield "user", () if visitor.user is None else (visitor.user,)
    yield "market", () if visitor.market is None else (visitor.market,)
    yield "cart", visitor.cart
    yield "hidden", visitor.hidden
    yield "slates", visitor.slates.values()
