"""A list of the storefront: which request of the API it is, and its address."""

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from feature_repo.shop import Shop
from serving.contract import RECOMMEND_SURFACES, RecommendBody, SearchBody, body_reader
from serving.storefront.selection import Selection, facet_fields, read_selection
from serving.storefront.visitor import Visitor

SEARCH = "search"
PAGE_SIZE = 20
RELEVANCE = "relevance"


@dataclass(frozen=True)
class ShopList:
    """A list of items.

    Attributes:
        surface: search, or a surface of recommendations.
        query: the typed text; empty to browse.
        selection: the chosen filters.
        seed: id of the item that the list is about.
        sort: of a search.
        page: of a search, from 1.
        size: items of a page.
    """

    surface: str
    query: str = ""
    selection: Selection = field(default_factory=Selection)
    seed: str | None = None
    sort: str = RELEVANCE
    page: int = 1
    size: int = PAGE_SIZE

    @classmethod
    def read(cls, parameters: QueryParams, shop: Shop) -> "ShopList":
        """Read a list from an address; what is missing has its default."""
        surface = parameters.get("list", SEARCH)
        page = parameters.get("page", "1")
        return cls(
            surface=surface if surface in (SEARCH, *RECOMMEND_SURFACES) else SEARCH,
            query=parameters.get("q", "").strip(),
            selection=read_selection(parameters, shop),
            seed=parameters.get("seed") or None,
            sort=parameters.get("sort") or RELEVANCE,
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1,
        )

    @property
    def key(self) -> str:
        """Name of the list, for what a visitor saw last."""
        name = urlencode([("list", self.surface), ("page", str(self.page)), *self.parameters()])
        return hashlib.blake2b(name.encode(), digest_size=6).hexdigest()

    @property
    def address(self) -> str:
        """Path of the API's endpoint."""
        return "/search" if self.surface == SEARCH else f"/recommend/{self.surface}"

    def parameters(self, **changes: str) -> list[tuple[str, str]]:
        """Return the parameters of the list's address, without its page."""
        values = {"q": self.query, "seed": self.seed or "", "sort": self.sort} | changes
        if self.surface != SEARCH:
            values["list"] = self.surface
        if values["sort"] == RELEVANCE:
            del values["sort"]
        named = [(name, value) for name, value in values.items() if value]
        return [*named, *self.selection.parameters()]

    def request(
        self, visitor: Visitor | None, market: str | None, shop: Shop, *, size: int = 0
    ) -> dict[str, Any]:
        """Return the body of the API's request, for a visitor or for nobody."""
        body: dict[str, Any] = {}
        if visitor is not None:
            body = {"user": visitor.user} if visitor.user else {}
            body["session"] = visitor.session
        if market is not None:
            body["market"] = market
        if not self.selection.is_empty:
            body["filters"] = self.selection.filters(shop)
        if self.surface != SEARCH:
            seeds = {} if self.seed is None else {"items": [self.seed]}
            return body | seeds | {"count": size or self.size}
        facets = [one.name for one in facet_fields(shop)]
        body |= {"query": self.query, "size": size or self.size, "facets": facets}
        return body | {
            name: value
            for name, value, default in (("sort", self.sort, RELEVANCE), ("page", self.page, 1))
            if value != default
        }

    def decode(self, body: Mapping[str, Any]) -> SearchBody | RecommendBody:
        """Return a body as the API reads it.

        Raises:
            ApiError: 400 or 413.
        """
        content = msgspec.json.encode(body)
        decoded: SearchBody | RecommendBody = (
            body_reader(SearchBody)(content)
            if self.surface == SEARCH
            else body_reader(RecommendBody)(content)
        )
        return decoded


def curl(origin: str, path: str, body: object) -> str:
    """Return a command that sends a body to the API.

    >>> curl("http://localhost:3000", "/search", {"query": "it's"})
    'curl http://localhost:3000/search --json \\'{"query":"it\\'"\\'"\\'s"}\\''
    """
    content = msgspec.json.encode(body).decode()
    return f"curl {shlex.quote(origin + path)} --json {shlex.quote(content)}"
