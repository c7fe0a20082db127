"""Read one line of a table of transactions: who bought what, when, and how many."""

import math

import msgspec

from feature_repo.events.contract import identifier, number
from feature_repo.events.ingest.transaction_mapping import Cells, Rule, TableMapping
from feature_repo.events.ingest.transaction_table import NEVER, instant_of
from feature_repo.events.quality import Finding
from feature_repo.home import EventError


class Transaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase or a cancellation.

    Attributes:
        item_id, user_id, order_id, line: ids; None if the line has none.
        at: instant.
        quantity: units, above 0.
        unit_price: None if the line has none.
        cancels: whether the line cancels a purchase.
        total: amount of the line; None if it is quantity · unit price.
    """

    item_id: str
    user_id: str | None
    order_id: str | None
    line: str | None
    at: int
    quantity: float
    unit_price: float | None
    cancels: bool
    total: float | None = None

    @property
    def amount(self) -> float | None:
        """The amount of the line; None without a price."""
        if self.total is not None:
            return self.total
        return None if self.unit_price is None else self.quantity * self.unit_price


def transaction_of(cells: Cells, at: int, mapping: TableMapping) -> Transaction:
    """Read a line of `readable` cells at its instant, or at `NEVER` if its time was not readable.

    Raises:
        EventError: a rule excludes the line, or it is not a transaction.
    """
    excluded = _first(mapping.exclude, cells)
    if excluded is not None:
        expected = f"a purchase (excluded: {excluded.reason})"
        raise EventError(excluded.column, expected, cells[excluded.column])
    columns = mapping.columns
    cancels = _first(mapping.cancellation, cells) is not None
    item_id = _id(cells, columns.item)
    if item_id is None:
        raise EventError(columns.item, "an id", None)
    return Transaction(
        item_id=item_id,
        user_id=None if _first(mapping.guest, cells) else _id(cells, columns.user),
        order_id=_id(cells, columns.order),
        line=_id(cells, columns.line),
        at=instant_of(cells[columns.time], mapping) if at == NEVER else at,
        quantity=_quantity(cells, columns.quantity, cancels),
        unit_price=_price(cells, columns.unit_price),
        total=_total(_price(cells, columns.total), cancels),
        cancels=cancels,
    )


def readable(cells: Cells, mapping: TableMapping) -> Cells:
    """Return the cells with the mapping's number columns as numbers, and NaN as None.

    Raises:
        EventError: a number column contains another text.
    """
    numeric = mapping.number_columns
    return {
        name: _number(cell, name, mapping.decimal) if name in numeric else _without_nan(cell)
        for name, cell in cells.items()
    }


def described(cells: Cells, fields: Cells) -> dict[str, object]:
    """Return the values of an item's or user's fields in a line; `fields` is field → column."""
    values = {name: cells[str(column)] for name, column in fields.items()}
    return {name: _field(value) for name, value in values.items() if value is not None}


def _first(rules: tuple[Rule, ...], cells: Cells) -> Rule | None:
    return next((rule for rule in rules if rule.applies(cells)), None)


def _id(cells: Cells, column: str | None) -> str | None:
    """Return an id. A float becomes an integer: data frames store integers with gaps as floats."""
    cell = None if column is None else cells[column]
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return identifier(cell.strip() if isinstance(cell, str) else cell, str(column))


def _quantity(cells: Cells, column: str | None, cancels: bool) -> float:
    if column is None:
        return 1.0
    quantity = number(cells[column], column)
    units = abs(quantity) if cancels else quantity
    if units <= 0:
        raise EventError(column, "units above 0, or a cancellation", cells[column])
    return units


def _price(cells: Cells, column: str | None) -> float | None:
    cell = None if column is None else cells[column]
    return None if cell is None else number(cell, str(column))


def _total(amount: float | None, cancels: bool) -> float | None:
    """Return an amount, which a cancellation may write below 0."""
    return abs(amount) if amount is not None and cancels else amount


def unjoined(cells: Cells, mapping: TableMapping) -> list[Finding]:
    """Return a finding for each table that lacks the key of a line."""
    return [
        Finding(
            join.on,
            f"a {join.key} of {join.path.name}",
            f"{cells[join.on]}",
            "Its columns are missing in the line; add the row, or correct the key.",
        )
        for join in mapping.joins
        if cells[join.on] is not None and cells[f"{join.name}.{join.key}"] is None
    ]


def clamped(cells: Cells, mapping: TableMapping) -> tuple[Cells, list[Finding]]:
    """Return the cells with numbers within the bounds of the mapping, and what was changed."""
    findings = []
    for rule in mapping.clamp:
        bound = rule.clamped(cells)
        if bound is not None:
            low = "" if rule.at_least is None else f" from {rule.at_least:g}"
            high = "" if rule.at_most is None else f" to {rule.at_most:g}"
            hint = f"Aisle reads {bound:g}, as [[clamp]] of the mapping says."
            expected, value = f"a number{low}{high}", f"{cells[rule.column]}"
            findings.append(Finding(rule.column, expected, value, hint))
            cells = {**cells, rule.column: bound}
    return cells, findings


def _number(cell: object, column: str, decimal: str) -> object:
    if not isinstance(cell, str):
        return _without_nan(cell)
    try:
        return number(float(cell.strip().replace(decimal, ".")), column)
    except ValueError:
        raise EventError(column, "a number", cell) from None


def _without_nan(cell: object) -> object:
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _field(value: object) -> object:
    if isinstance(value, str):
        return value.strip()
    return value if isinstance(value, bool | int | float) else str(value)
