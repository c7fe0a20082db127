"""The page of rules, and the preview of a draft."""

from pipelines.console.pages.rules.page import rules

__all__ = ["rules"]
