"""Rows that cannot be read, collected while a file is read."""

from dataclasses import dataclass, field

from feature_repo.home import EventError

LONGEST_TEXT = 4_096
"""Characters of a row that is stored."""


@dataclass(frozen=True)
class RefusedRow:
    """A row that cannot be read.

    Attributes:
        number: of its line.
        error: why.
        text: its beginning.
    """

    number: int
    error: EventError
    text: str = ""


@dataclass
class RefusedRows:
    """The rows that the current pass over a file refused."""

    rows: list[RefusedRow] = field(default_factory=list)

    def add(self, number: int, error: EventError, text: str = "") -> None:
        """Add a row."""
        self.rows.append(RefusedRow(number, error, text[:LONGEST_TEXT]))

    def take(self) -> list[RefusedRow]:
        """Return the rows since the last call."""
        taken, self.rows = self.rows, []
        return taken
