"""Parts of pages, which htmx puts into a page that is already there."""

from starlette.responses import Response

from serving.flow import complete
from serving.monitoring import run_in_pool
from serving.storefront.lists import moves_since
from serving.storefront.page import Page


async def suggest(page: Page) -> Response:
    """Complete a partly typed query, as options of the search box."""
    query = {"q": page.parameter("q"), "market": page.market or ""}
    answer = complete(page.resources.models, query)
    return page.render("_suggestions.html", suggestions=answer.suggestions)


async def moves(page: Page) -> Response:
    """Say what moved between two answers, so that a screen reader announces it."""
    before, after = page.parameter("before"), page.parameter("after")
    moved = await run_in_pool(
        page.resources.writers, lambda: moves_since(page.resources, before, after)
    )
    items = page.items([move.item for move in moved])
    return page.render("_moves.html", moves=moved, items=items)
