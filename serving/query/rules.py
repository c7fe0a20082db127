"""Business rules from the home's `rules.toml`: pin, boost, bury, hide; diversity; exploration.

    [[rule]]
    action = "boost"                    # pin, boost, bury or hide
    where = { brand = "Acme" }          # items by their fields; or items = ["i1", "i2"]
    factor = 3.0                        # boost, bury: places count as a third, or threefold
    position = 1                        # pin: where the first of the items goes
    query = ["red shoes"]               # when: all optional
    market = ["uk"]
    surface = ["search", "home"]
    from = 2026-11-27T00:00:00Z
    until = 2026-11-30T00:00:00Z

    [diversity]
    weight = 0.3                        # 0, by score alone, to 1
    surface = ["home"]

    [exploration]
    share = 0.1                         # how often a slot shows an item from below the page
    slots = [5, 9]
    surface = ["home"]

    [exploration]                       # or, instead of slots,
    share = 0.05                        # how many lists are drawn as a whole
    temperature = 0.5                   # of −ln(place): 0.1 hardly changes an order, 2 ruins it

The file is checked as it is loaded; one that is wrong is refused as a whole.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from feature_repo.events.contract import query_key
from feature_repo.home import EPOCH, SECOND, EventError, SettingError
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from training.retrieval.catalogue import Filter, parse_filters

FILE = "rules.toml"
Action = Literal["pin", "boost", "bury", "hide"]
_RULE = {
    "action", "where", "items", "factor", "position",
    "query", "market", "surface", "from", "until",
}  # fmt: skip


@dataclass(frozen=True)
class Occasion:
    """When a rule counts; what is empty counts always.

    Attributes:
        queries: keys of queries, without market.
        start, end: instants, µs; the end is not included.
    """

    queries: frozenset[str] = frozenset()
    markets: frozenset[str] = frozenset()
    surfaces: frozenset[str] = frozenset()
    start: int | None = None
    end: int | None = None

    def is_now(self, *, t: int, query: str | None, market: str, surface: str | None) -> bool:
        """Whether a request is such an occasion."""
        return (
            (self.start is None or self.start <= t)
            and (self.end is None or t < self.end)
            and (not self.markets or market in self.markets)
            and (not self.surfaces or surface in self.surfaces)
            and (not self.queries or query_key(query, "") in self.queries)
        )


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        items: which items, by id; or
        where: by the fields they have.
        factor: of boost and bury, above 1.
        position: of pin, from 1.
    """

    action: Action
    items: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    factor: float = 2.0
    position: int = 1
    occasion: Occasion = field(default_factory=Occasion)

    def touches(self, facts: RequestContext | None, item_ids: Sequence[str]) -> list[bool]:
        """For each of N items whether the rule is about it; by field only where there are facts."""
        named = set(self.items)
        touched = [item in named for item in item_ids]
        if self.where and facts is not None:
            columns = [facts.items.get(f"item_attributes__{f.field.column}") for f in self.where]
            for n in range(len(touched)):
                touched[n] = touched[n] or all(
                    column is not None and one.allows(column[n])
                    for one, column in zip(self.where, columns, strict=True)
                )
        return touched


@dataclass(frozen=True)
class Diversity:
    """How much items that are like those above them are held back; 0 is not at all."""

    weight: float = 0.0
    occasion: Occasion = field(default_factory=Occasion)


@dataclass(frozen=True)
class Exploration:
    """How often the slots of a page, from 1, show an item drawn from below it.

    With a temperature there are no slots, and the share is that of lists drawn as a whole.
    """

    share: float = 0.0
    slots: tuple[int, ...] = ()
    occasion: Occasion = field(default_factory=Occasion)
    temperature: float | None = None


@dataclass(frozen=True)
class Rules:
    """All rules of a shop, in the order of the file."""

    rules: tuple[Rule, ...] = ()
    diversity: Diversity = field(default_factory=Diversity)
    exploration: Exploration = field(default_factory=Exploration)

    @classmethod
    def load(cls, path: Path, shop: Shop) -> "Rules":
        """Read and check a file; where there is none there are no rules.

        Raises:
            SettingError: says what is wrong, and where.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise SettingError(f"{path}: expected TOML: {error}.") from None
        try:
            _only(table, {"rule", "diversity", "exploration"}, "the file")
            return cls(
                tuple(
                    _rule(rule, f"rule {n}", shop)
                    for n, rule in enumerate(table.get("rule", []), 1)
                ),
                _diversity(table.get("diversity", {})),
                _exploration(table.get("exploration", {})),
            )
        except (EventError, TypeError, ValueError) as error:
            raise SettingError(f"{path}: {error}") from None

    def now(self, **occasion: Any) -> "Rules":
        """Those that count for a request; see `Occasion.is_now`."""
        return Rules(
            tuple(rule for rule in self.rules if rule.occasion.is_now(**occasion)),
            self.diversity if self.diversity.occasion.is_now(**occasion) else Diversity(),
            self.exploration if self.exploration.occasion.is_now(**occasion) else Exploration(),
        )


def _rule(table: Mapping[str, Any], place: str, shop: Shop) -> Rule:
    _only(table, _RULE, place)
    action: Any = table.get("action")
    if action not in get_args(Action):
        raise EventError(f"{place}.action", f"one of {', '.join(get_args(Action))}", action)
    items, where = _texts(table, "items", place), table.get("where", {})
    if bool(items) == bool(where):
        raise EventError(place, "either items or where", "both" if items else "neither")
    if action == "pin" and not items:
        raise EventError(f"{place}.items", "ids of the items to pin", "none")
    return Rule(
        action,
        items,
        parse_filters(where, shop),
        _number(table.get("factor", 2.0), f"{place}.factor", 1.0, 1000.0),
        int(_number(table.get("position", 1), f"{place}.position", 1, 1000)),
        _occasion(table, place),
    )


def _diversity(table: Mapping[str, Any]) -> Diversity:
    _only(table, {"weight", "surface", "market"}, "diversity")
    weight = _number(table.get("weight", 0.0), "diversity.weight", 0, 1)
    return Diversity(weight, _occasion(table, "diversity"))


def _exploration(table: Mapping[str, Any]) -> Exploration:
    _only(table, {"share", "slots", "temperature", "surface", "market"}, "exploration")
    temperature = table.get("temperature")
    if temperature is not None:
        temperature = _number(temperature, "exploration.temperature", 0.05, 100)
        if "slots" in table:
            raise EventError("exploration", "either slots or a temperature", "both")
    share = _number(table.get("share", 0.0), "exploration.share", 0, 1)
    slots = [_number(s, "exploration.slots", 1, 100) for s in table.get("slots", [])]
    return Exploration(
        share,
        tuple(sorted({int(s) for s in slots})),
        _occasion(table, "exploration"),
        temperature,
    )


def _occasion(table: Mapping[str, Any], place: str) -> Occasion:
    keys = (query_key(text, "") for text in _texts(table, "query", place))
    return Occasion(
        frozenset(key for key in keys if key),
        frozenset(_texts(table, "market", place)),
        frozenset(_texts(table, "surface", place)),
        _instant(table.get("from"), f"{place}.from"),
        _instant(table.get("until"), f"{place}.until"),
    )


def _texts(table: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
    value = table.get(name, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise EventError(f"{place}.{name}", "a text, or a list of texts", repr(value))
    return tuple(texts)


def _number(value: Any, place: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise EventError(place, f"a number from {low:g} to {high:g}", repr(value))
    return float(value)


def _instant(value: Any, place: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise EventError(place, "an instant such as 2026-11-27T00:00:00Z", repr(value))
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return int((moment - EPOCH).total_seconds() * SECOND)


def _only(table: Any, known: set[str], place: str) -> None:
    if not isinstance(table, dict) or not table.keys() <= known:
        found = repr(table) if not isinstance(table, dict) else ", ".join(table.keys() - known)
        raise EventError(place, f"only {', '.join(sorted(known))}", found)
