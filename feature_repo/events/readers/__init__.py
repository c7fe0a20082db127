"""Read files that are no lines of JSON: tables, feeds of XML, and pages with JSON-LD."""

from feature_repo.events.readers.source import Source, open_source

__all__ = ["Source", "open_source"]
