"""The console: pages for the people who run a shop, from a read-only process of its own."""

from pipelines.console.server import serve

__all__ = ["serve"]
