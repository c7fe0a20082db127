"""The demo: a shop from nothing to served rankings."""

from pipelines.demo.demo_page import run

__all__ = [
    "run",
]
