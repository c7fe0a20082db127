"""The live write path: events update tiles and newest values in Redis."""

from feature_repo.online.live.writer import LiveWriter

__all__ = [
    "LiveWriter",
]
