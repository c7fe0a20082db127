"""A table of plain values, which a page shows and which has a twin in JSON and in CSV."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from feature_repo.home import SettingError

Row = Mapping[str, Any]
"""Values by the key of their column: texts, numbers, bools, or None for a missing one."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: of its values in rows, in JSON, in CSV and in addresses.
        heading: for readers.
        link: returns the address that a row's value links to; empty for none.
    """

    key: str
    heading: str
    link: Callable[[Row], str] | None = None


@dataclass(frozen=True)
class Order:
    """The order of a table's rows: by one column."""

    table: str
    column: str
    is_descending: bool = False

    @classmethod
    def of(cls, text: str) -> "Order | None":
        """Read the parameter `sort`; None for an empty one.

        Raises:
            SettingError: it has another form.

        >>> Order.of("versions.-state")
        Order(table='versions', column='state', is_descending=True)
        """
        if not text:
            return None
        table, point, column = text.partition(".")
        if not point or not column.removeprefix("-"):
            raise SettingError(f"sort: expected TABLE.COLUMN or TABLE.-COLUMN, found {text!r}.")
        return cls(table, column.removeprefix("-"), column.startswith("-"))

    def __str__(self) -> str:
        return f"{self.table}.{'-' if self.is_descending else ''}{self.column}"


@dataclass(frozen=True)
class Table:
    """Rows under headings; the first column is the heading of its row.

    Attributes:
        key: unique on its page.
        caption: says what the rows are.
        empty: shown instead of a table without rows.
        order: of the rows, where a reader chose one.
        shown: rows that a page shows at most; the twins have all.
    """

    kind: ClassVar[str] = "table"
    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = "There is nothing yet."
    order: Order | None = None
    shown: int = 500

    def ordered(self, order: Order | None) -> "Table":
        """Return the table in an order, if that is of this table; missing values come last.

        Raises:
            SettingError: the table has no such column.
        """
        if order is None or order.table != self.key:
            return self
        if order.column not in {column.key for column in self.columns}:
            keys = ", ".join(column.key for column in self.columns)
            raise SettingError(f"sort: expected a column of {keys}, found {order.column!r}.")
        present = [row for row in self.rows if row[order.column] is not None]
        missing = [row for row in self.rows if row[order.column] is None]
        present.sort(key=lambda row: _rank(row[order.column]), reverse=order.is_descending)
        return replace(self, rows=[*present, *missing], order=order)

    @property
    def text_columns(self) -> list[Column]:
        """The columns with words, which start at the start of their cells."""
        return [
            column
            for column in self.columns
            if any(isinstance(row[column.key], str) for row in self.rows)
        ]

    def next_order(self, column: Column) -> Order:
        """Return the order that a column's heading links to: ascending, then descending."""
        is_same = self.order is not None and self.order.column == column.key
        descending = is_same and self.order is not None and not self.order.is_descending
        return Order(self.key, column.key, descending)

    def to_dict(self) -> dict[str, Any]:
        """Return the twin in JSON."""
        return {
            "caption": self.caption,
            "columns": {column.key: column.heading for column in self.columns},
            "rows": [{c.key: row[c.key] for c in self.columns} for row in self.rows],
        }

    def to_csv(self) -> str:
        """Return the twin in CSV, with the keys of the columns as its first line."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\r\n")
        lines.writerow([column.key for column in self.columns])
        lines.writerows([row[column.key] for column in self.columns] for row in self.rows)
        return text.getvalue()


def _rank(value: Any) -> tuple[int, Any]:
    """Return a sort key: numbers before texts."""
    return (0, value) if isinstance(value, bool | int | float) else (1, str(value).casefold())
