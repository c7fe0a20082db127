"""Pages of studies, evaluations and data contracts."""

from pipelines.pages.nameless_page import nameless_page
from pipelines.pages.next_purchase_page import evaluation_page, surfaces_page
from pipelines.pages.validation_page import validation_html, validation_page

__all__ = [
    "evaluation_page",
    "nameless_page",
    "surfaces_page",
    "validation_html",
    "validation_page",
]
