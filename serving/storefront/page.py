"""One request of the storefront: the visitor, what its handler renders, and the response."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.shop import Market, language_code
from serving.contract import too_large
from serving.flow import Resources
from serving.monitoring import ANSWER_SECONDS
from serving.storefront.addresses import PREFIX
from serving.storefront.items import Item, read_items
from serving.storefront.personas import Personas
from serving.storefront.shop_list import ShopList
from serving.storefront.visitor import Visitor, new_visitor, read_visitor, set_visitor
from training.pages import image_origin, page_headers
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import ITEM_TABLE

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_FORM_BYTES = 64 << 10

Handler = Callable[["Page"], Awaitable[Response]]


@dataclass
class Front:
    """What all requests of the storefront share.

    Attributes:
        resources: of the process.
        personas: the shoppers whom a person can play.
        templates: of the pages.
    """

    resources: Resources
    personas: Personas
    templates: "Environment"


@dataclass
class Page:
    """A request, and the visitor that its response stores.

    Attributes:
        images: origins of the images on the page.
    """

    front: Front
    request: Request
    visitor: Visitor
    markets: Sequence[str] = ()
    images: set[str] = field(default_factory=set)

    @property
    def resources(self) -> Resources:
        """The resources of the process."""
        return self.front.resources

    @property
    def market(self) -> str | None:
        """The market of the visitor's requests; None where the shop has a default."""
        return self.visitor.market

    @property
    def market_name(self) -> str:
        """The market for readers; empty where the shop has only one."""
        return self.market if self.market and self.markets else ""

    @cached_property
    def declared_market(self) -> Market:
        """The market, with its language and currency."""
        shop = self.resources.shop
        return shop.market(shop.declared_market(self.market) or DEFAULT_MARKET)

    @property
    def language(self) -> str:
        """Code of the language of the market."""
        return language_code(self.declared_market.language)

    @property
    def item_table(self) -> ItemTable | None:
        """The items for sale; None before the first index."""
        table: ItemTable | None = self.resources.models.index(ITEM_TABLE)
        return table

    @property
    def origin(self) -> str:
        """Scheme and host of the service, as the browser names them."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}"

    @property
    def is_fragment(self) -> bool:
        """Whether htmx puts the response into a page."""
        return self.request.headers.get("hx-request") == "true"

    def parameter(self, name: str) -> str:
        """Return a parameter of the address; empty where it is absent."""
        return self.request.query_params.get(name, "")

    def listed(self) -> ShopList:
        """Return the list that the address names."""
        return ShopList.read(self.request.query_params, self.resources.shop)

    def items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return items by id, and allow the page to load their images."""
        items = read_items(self.item_table, item_ids, self.declared_market)
        for item in items.values():
            origin = image_origin(item.image)
            if origin is not None:
                self.images.add(origin)
        return items

    async def form(self) -> dict[str, str]:
        """Return the fields of a form of this visitor.

        Raises:
            ApiError: 403, the form is from another page; 413, it is too large.
        """
        content = bytearray()
        async for chunk in self.request.stream():
            content += chunk
            if len(content) > MOST_FORM_BYTES:
                raise too_large("form", f"at most {MOST_FORM_BYTES} bytes", "more")
        fields = dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))
        self.visitor.check_token(fields)
        return fields

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page, or a part of one, and store the visitor."""
        content = self.front.templates.get_template(template).render(page=self, **values)
        response = HTMLResponse(content, status, page_headers(self.images))
        set_visitor(response, self.visitor)
        return response

    def redirect(self, path: str) -> Response:
        """Send the browser to a page of the storefront, and store the visitor."""
        inside = path.startswith(f"{PREFIX}/") and "\\" not in path and "\n" not in path
        response = RedirectResponse(path if inside else f"{PREFIX}/", 303)
        set_visitor(response, self.visitor)
        return response


async def open_page(front: Front, request: Request) -> Page:
    """Return the page of a request; a new visitor plays the first persona."""
    personas = await front.personas.follow()
    visitor = read_visitor(request)
    if visitor is None:
        first = personas[0] if front.resources.settings.storefront is None else personas[-1]
        visitor = new_visitor(first.user, first.market)
    return Page(front, request, visitor, front.personas.markets())


def timed(handler: Handler) -> Handler:
    """Return a handler that measures the time of its pages."""

    async def measured(page: Page) -> Response:
        started = time.perf_counter()
        response = await handler(page)
        ANSWER_SECONDS.labels("storefront").observe(time.perf_counter() - started)
        return response

    return measured
