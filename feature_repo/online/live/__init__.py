"""The live write path: an event updates tiles and newest rows in Redis."""

from feature_repo.online.live.writer import LiveWriter

__all__ = [
    "LiveWriter",
]
