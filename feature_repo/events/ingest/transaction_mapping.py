"""The mapping of a table of transactions: the role of each column, and rules for special lines.

A mapping is a TOML file (docs/transactions.md). `[columns]` names the columns of item and time, and
optionally of order, user, quantity, unit price and line number; `[item_fields]` and `[user_fields]`
name columns that describe items and users. Rules select the lines that cancel a purchase
(`[[cancellation]]`), are not transactions (`[[exclude]]`), or have no user (`[[guest]]`).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feature_repo.home import MappingError

Cells = Mapping[str, object]
"""One line of the table, by column; None for an empty cell."""


@dataclass(frozen=True)
class Columns:
    """The columns of a purchase.

    Attributes:
        item, time: which item was bought, and when.
        order: the same for all lines of one order.
        user: empty for a guest.
        quantity: units; by default one.
        unit_price: price of one unit.
        line: number of the line in its order, which distinguishes equal lines.
    """

    item: str
    time: str
    order: str | None = None
    user: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    line: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the table has."""
        named = (getattr(self, field.name) for field in fields(self))
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True)
class Rule:
    """A rule on one column: its text matches a pattern, or its number is at most a bound."""

    column: str
    matches: re.Pattern[str] | None = None
    at_most: float | None = None
    reason: str = ""

    def applies(self, cells: Cells) -> bool:
        """Return whether the rule applies to a line; never if the cell is empty."""
        value = cells[self.column]
        if value is None:
            return False
        if self.matches is not None:
            return self.matches.search(str(value)) is not None
        return isinstance(value, int | float) and value <= (self.at_most or 0)


@dataclass(frozen=True)
class TableMapping:
    """How the lines of a table become events.

    Attributes:
        name: name of the table; part of every event id.
        columns: columns of a purchase.
        item_fields, user_fields: field → column.
        cancellation, exclude, guest: a line is one if any of the rules applies.
        zone: time zone of times without an offset.
        time_format: format of times that are not ISO 8601, as in `datetime.strptime`.
        delimiter, encoding, decimal: format of text files.
    """

    name: str
    columns: Columns
    item_fields: Mapping[str, str]
    user_fields: Mapping[str, str]
    cancellation: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    guest: tuple[Rule, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    time_format: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."

    @classmethod
    def load(cls, path: Path) -> "TableMapping":
        """Read a mapping.

        Raises:
            MappingError: the file is absent, not TOML, or contradicts itself.
        """
        try:
            return _mapping(tomllib.loads(path.read_text(encoding="utf-8")), path.stem)
        except OSError as error:
            raise MappingError(
                f"{path}: expected a mapping, found no readable file ({error}). Check the path."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MappingError(f"{path}: expected TOML, found another text ({error}).") from None
        except MappingError as error:
            raise MappingError(f"{path}: {error}") from None

    @cached_property
    def source_columns(self) -> tuple[str, ...]:
        """Every column to read, once."""
        named = (
            *self.columns.names,
            *self.item_fields.values(),
            *self.user_fields.values(),
            *(rule.column for rule in self._rules),
        )
        return tuple(dict.fromkeys(named))

    @cached_property
    def number_columns(self) -> frozenset[str]:
        """The columns whose text is read as a number."""
        bounded = (rule.column for rule in self._rules if rule.at_most is not None)
        named = (self.columns.quantity, self.columns.unit_price, *bounded)
        return frozenset(name for name in named if name is not None)

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return (*self.cancellation, *self.exclude, *self.guest)


def _mapping(table: dict[str, Any], stem: str) -> TableMapping:
    texts = {"name": stem, "delimiter": ",", "encoding": "utf-8", "decimal": "."}
    keys = {*texts, "timezone", "time_format", "columns", "item_fields", "user_fields", *_RULES}
    _check_keys(table, keys, "the mapping")
    options: dict[str, Any] = {n: _text(table.get(n, default), n) for n, default in texts.items()}
    options |= {rule: _rules(table.get(rule, []), rule) for rule in _RULES}
    time_format = table.get("time_format")
    return TableMapping(
        columns=_columns(table.get("columns", {})),
        item_fields=_names(table.get("item_fields", {}), "item_fields"),
        user_fields=_names(table.get("user_fields", {}), "user_fields"),
        zone=_zone(_text(table.get("timezone", "UTC"), "timezone")),
        time_format=None if time_format is None else _text(time_format, "time_format"),
        **options,
    )


_RULES = ("cancellation", "exclude", "guest")


def _columns(table: Any) -> Columns:
    names = _names(table, "columns")
    _check_keys(names, {field.name for field in fields(Columns)}, "[columns]")
    for needed in ("item", "time"):
        if needed not in names:
            raise MappingError(f"[columns]: expected a column for {needed!r}, found none; add it.")
    return Columns(**names)


def _rules(tables: Any, of: str) -> tuple[Rule, ...]:
    if not isinstance(tables, list):
        raise MappingError(f"expected {of} as [[{of}]] tables, found {tables!r}.")
    return tuple(_rule(table, of) for table in tables)


def _rule(table: dict[str, Any], of: str) -> Rule:
    _check_keys(table, {"column", "matches", "at_most", "reason"}, f"[[{of}]]")
    matches, at_most = table.get("matches"), table.get("at_most")
    if (matches is None) == (at_most is None):
        raise MappingError(f"[[{of}]]: expected either `matches` or `at_most`, found {table}.")
    if at_most is not None and (isinstance(at_most, bool) or not isinstance(at_most, int | float)):
        raise MappingError(f"[[{of}]]: expected a number as `at_most`, found {at_most!r}.")
    try:
        pattern = None if matches is None else re.compile(_text(matches, f"{of}.matches"))
    except re.error as error:
        raise MappingError(f"[[{of}]]: {matches!r} is not a regular expression: {error}.") from None
    reason = _text(table.get("reason", "excluded by the mapping"), f"{of}.reason")
    return Rule(_text(table.get("column"), f"{of}.column"), pattern, at_most, reason)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MappingError(f"expected a timezone such as Europe/London, found {name!r}.") from None


def _names(table: Any, of: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise MappingError(f"expected [{of}] as a table, found {table!r}.")
    return {name: _text(column, f"{of}.{name}") for name, column in table.items()}


def _text(value: Any, of: str) -> str:
    if not isinstance(value, str) or not value:
        raise MappingError(f"expected a text as {of}, found {value!r}.")
    return value


def _check_keys(table: Mapping[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise MappingError(
            f"{where}: expected only the keys {', '.join(sorted(keys))}; found "
            f"{', '.join(unknown)}. Correct or remove them."
        )
