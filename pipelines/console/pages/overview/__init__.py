"""The overview, and the parts that it consists of."""

from pipelines.console.pages.overview.page import overview

__all__ = ["overview"]
