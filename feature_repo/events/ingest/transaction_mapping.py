"""The mapping of a table of transactions: the role of each column, and rules for special lines.

A mapping is a TOML file (docs/transactions.md). `[columns]` names the columns of item and time, and
optionally of order, user, quantity, unit price and line number; `[item_fields]` and `[user_fields]`
name columns that describe items and users. Rules select the lines that cancel a purchase
(`[[cancellation]]`), are not transactions (`[[exclude]]`), or have no user (`[[guest]]`), and limit
numbers (`[[clamp]]`). `[[join]]` adds the columns of other tables.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feature_repo.events.ingest.transaction_joins import Join
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
        total: amount of the line; by default quantity · unit price.
        line: number of the line in its order, which distinguishes equal lines.
    """

    item: str
    time: str
    order: str | None = None
    user: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    total: str | None = None
    line: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the table has."""
        named = (getattr(self, field.name) for field in fields(self))
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True)
class Rule:
    """A rule on one column: its text matches a pattern, or its number is beyond a bound.

    Attributes:
        at_most, at_least: the numbers that it applies to; for `[[clamp]]`, those that it leaves.
    """

    column: str
    matches: re.Pattern[str] | None = None
    at_most: float | None = None
    at_least: float | None = None
    reason: str = ""

    def applies(self, cells: Cells) -> bool:
        """Return whether the rule applies to a line; never if the cell is empty."""
        value = cells[self.column]
        if value is None:
            return False
        if self.matches is not None:
            return self.matches.search(str(value)) is not None
        if not isinstance(value, int | float):
            return False
        is_low = self.at_most is not None and value <= self.at_most
        return is_low or (self.at_least is not None and value >= self.at_least)

    def clamped(self, cells: Cells) -> float | None:
        """Return the bound that the number of a line is beyond; None if it is within both."""
        value = cells[self.column]
        if not isinstance(value, int | float):
            return None
        if self.at_least is not None and value < self.at_least:
            return self.at_least
        return self.at_most if self.at_most is not None and value > self.at_most else None


@dataclass(frozen=True)
class TableMapping:
    """How the lines of a table become events.

    Attributes:
        name: name of the table; part of every event id.
        columns: columns of a purchase.
        item_fields, user_fields: field → column.
        cancellation, exclude, guest: a line is one if any of the rules applies.
        clamp: bounds of numbers.
        joins: other tables.
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
    clamp: tuple[Rule, ...] = ()
    joins: tuple[Join, ...] = ()
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
            return _mapping(tomllib.loads(path.read_text(encoding="utf-8")), path)
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

    @property
    def joined_columns(self) -> tuple[str, ...]:
        """The columns that may be those of a joined table."""
        return (*self.source_columns, *(join.on for join in self.joins))

    @cached_property
    def own_columns(self) -> tuple[str, ...]:
        """The columns of the table of transactions itself."""
        prefixes = tuple(f"{join.name}." for join in self.joins)
        named = (name for name in self.joined_columns if not name.startswith(prefixes))
        return tuple(dict.fromkeys(named))

    @cached_property
    def number_columns(self) -> frozenset[str]:
        """The columns whose text is read as a number."""
        bounded = (rule.column for rule in self._rules if rule.matches is None)
        named = (self.columns.quantity, self.columns.unit_price, self.columns.total, *bounded)
        return frozenset(name for name in named if name is not None)

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return (*self.cancellation, *self.exclude, *self.guest, *self.clamp)


def _mapping(table: dict[str, Any], path: Path) -> TableMapping:
    texts = {"name": path.stem, "delimiter": ",", "encoding": "utf-8", "decimal": "."}
    tables = {"columns", "item_fields", "user_fields", "join"}
    keys = {*texts, "timezone", "time_format", *tables, *_RULES}
    _check_keys(table, keys, "the mapping")
    options: dict[str, Any] = {n: _text(table.get(n, default), n) for n, default in texts.items()}
    options |= {rule: _rules(table.get(rule, []), rule) for rule in _RULES}
    time_format = table.get("time_format")
    return TableMapping(
        columns=_columns(table.get("columns", {})),
        joins=_joins(table.get("join", []), path.parent),
        item_fields=_names(table.get("item_fields", {}), "item_fields"),
        user_fields=_names(table.get("user_fields", {}), "user_fields"),
        zone=_zone(_text(table.get("timezone", "UTC"), "timezone")),
        time_format=None if time_format is None else _text(time_format, "time_format"),
        **options,
    )


_RULES = ("cancellation", "exclude", "guest", "clamp")


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


def _joins(tables: Any, folder: Path) -> tuple[Join, ...]:
    if not isinstance(tables, list):
        raise MappingError(f"expected joins as [[join]] tables, found {tables!r}.")
    joins: list[Join] = []
    for table in tables:
        _check_keys(table, {"table", "key", "on"}, "[[join]]")
        path = folder / _text(table.get("table"), "join.table")
        name = path.name.partition(".")[0]
        if name in [join.name for join in joins]:
            raise MappingError(f"[[join]]: expected tables of different names, found {name} twice.")
        key, on = _text(table.get("key"), "join.key"), _text(table.get("on"), "join.on")
        joins.append(Join(name, path, key, on))
    return tuple(joins)


def _rule(table: dict[str, Any], of: str) -> Rule:
    _check_keys(table, {"column", "matches", "at_most", "at_least", "reason"}, f"[[{of}]]")
    matches = table.get("matches")
    bounds = {name: table[name] for name in ("at_most", "at_least") if name in table}
    if (matches is None) == (not bounds) or (of == "clamp" and matches is not None):
        expected = "`at_least`, `at_most` or both" if of == "clamp" else "`matches` or a bound"
        raise MappingError(f"[[{of}]]: expected either {expected}, found {table}.")
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise MappingError(f"[[{of}]]: expected a number as `{name}`, found {bound!r}.")
    try:
        pattern = None if matches is None else re.compile(_text(matches, f"{of}.matches"))
    except re.error as error:
        raise MappingError(f"[[{of}]]: {matches!r} is not a regular expression: {error}.") from None
    reason = _text(table.get("reason", "excluded by the mapping"), f"{of}.reason")
    return Rule(_text(table.get("column"), f"{of}.column"), pattern, **bounds, reason=reason)


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
