"""Output on a terminal: outcomes, tables and progress."""

from pipelines.terminal.outcome import (
    INTERRUPTED,
    TERMINATED,
    Outcome,
    Page,
    line,
    pages,
    show,
    table,
)
from pipelines.terminal.progress import announce, progress_bar

__all__ = [
    "INTERRUPTED",
    "TERMINATED",
    "Outcome",
    "Page",
    "announce",
    "line",
    "pages",
    "progress_bar",
    "show",
    "table",
]
