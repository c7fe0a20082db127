"""Tables of studies and evaluations for the terminal."""

from pipelines.pages.nameless_page import nameless_page
from pipelines.pages.next_purchase_page import evaluation_page, surfaces_page

__all__ = [
    "evaluation_page",
    "nameless_page",
    "surfaces_page",
]
