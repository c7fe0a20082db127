"""All pages: the navigation, the routes and the tests derive from this list."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.console.content import Content, Visit
from pipelines.console.pages.models import comparison, model, models
from pipelines.console.pages.overview import overview


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: of its address.
        label: in the navigation; empty for a page that others link to.
        show: returns its content.
    """

    path: str
    label: str
    show: Callable[[Visit], Content]


PAGES = (
    Page("overview", "Overview", overview),
    Page("models", "Models", models),
    Page("model", "", model),
    Page("comparison", "", comparison),
)
"""In the order of the navigation; the first is also at the root."""
