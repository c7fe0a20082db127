"""The result of a verb: data for machines, a page for people, a status for the shell."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Page = Callable[["Console"], None]

INTERRUPTED, TERMINATED = 130, 143

_PIPE_COLUMNS = 140


@dataclass(frozen=True)
class Outcome:
    """The result of one verb.

    Attributes:
        data: the object that `--json` prints.
        page: prints the data for people; by default as plain lines.
        status: exit status.
    """

    data: dict[str, Any]
    page: Page | None = None
    status: int = 0


def show(outcome: Outcome, as_json: bool) -> None:
    """Print an outcome on standard output."""
    if as_json:
        sys.stdout.write(json.dumps(outcome.data, default=str) + "\n")
        return
    from rich.console import Console

    # rich assumes 80 columns in a pipe, and would cut tables.
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    console = Console(highlight=False, width=width)
    (outcome.page or _lines(outcome.data))(console)


def table(title: str, columns: list[str], rows: list[list[object]], numbers: int = 0) -> Page:
    """Return a page with one table; its last `numbers` columns are aligned to the right."""

    def page(console: "Console") -> None:
        from rich import box
        from rich.table import Table

        grid = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
        for position, column in enumerate(columns):
            is_number = position >= len(columns) - numbers
            grid.add_column(column, justify="right" if is_number else "left")
        for row in rows:
            grid.add_row(*map(str, row))
        console.print(grid)

    return page


def pages(*parts: Page) -> Page:
    """Return several pages as one, one below the other."""

    def page(console: "Console") -> None:
        for part in parts:
            part(console)

    return page


def line(text: str) -> Page:
    """Return a page with one line of text, without markup."""

    def page(console: "Console") -> None:
        console.print(text, markup=False, soft_wrap=True)

    return page


def _lines(data: dict[str, Any]) -> Page:
    return pages(*(line(f"{name}: {value}") for name, value in data.items()))
