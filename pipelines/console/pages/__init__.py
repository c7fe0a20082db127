"""The pages: each is a function from a visit to its content."""

from pipelines.console.pages.registry import PAGES, Page

__all__ = ["PAGES", "Page"]
