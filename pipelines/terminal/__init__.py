"""Output on a terminal: outcomes, tables and progress."""

from pipelines.terminal.intervals import interval_text
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
from pipelines.terminal.parameter_options import add_parameters, chosen
from pipelines.terminal.progress import announce, progress_bar
from pipelines.terminal.titles import item_titles

__all__ = [
    "INTERRUPTED",
    "TERMINATED",
    "Outcome",
    "Page",
    "add_parameters",
    "announce",
    "chosen",
    "interval_text",
    "item_titles",
    "line",
    "pages",
    "progress_bar",
    "show",
    "table",
]
