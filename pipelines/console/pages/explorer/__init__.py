"""The query explorer: an answer of the service with its sources and reasons, in configurations."""

from pipelines.console.pages.explorer.configurations import CONFIGURATIONS, items_of
from pipelines.console.pages.explorer.page import explorer

__all__ = ["CONFIGURATIONS", "explorer", "items_of"]
