"""Business rules from the home's `rules.toml`: pin, boost, bury, hide; diversity; exploration.

    [[rule]]
    action = "boost"                    # pin, boost, bury or hide
    where = { brand = "Acme" }          # items by their fields; or items = ["i1", "i2"]
    factor = 3.0                        # boost, bury: divides or multiplies the position
    position = 1                        # pin: slot of the first of the items
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
    temperature = 0.5                   # of −ln(position): 0.1 changes little, 2 almost all

The file is checked when it is loaded; a file with an error is rejected as a whole.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from feature_repo.home import (
    EventError,
    Home,
    SettingError,
    check_keys,
    number_of,
    read_toml,
    texts_of,
)
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from training.experiments import Occasion
from training.retrieval.catalogue import Filter, parse_filters

RULES_FILE = "rules.toml"
_DRAFTS = "rules.drafts"
Action = Literal["pin", "boost", "bury", "hide"]
_RULE = {
    "action",
    "where",
    "items",
    "factor",
    "position",
    "query",
    "market",
    "surface",
    "from",
    "until",
}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        items: ids of the items; or
        where: conditions on their fields.
        factor: for boost and bury, above 1.
        position: for pin, from 1.
    """

    action: Action
    items: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    factor: float = 2.0
    position: int = 1
    occasion: Occasion = field(default_factory=Occasion)

    def matches(self, context: RequestContext | None, item_ids: Sequence[str]) -> list[bool]:
        """Whether the rule applies to each of N items; conditions on fields need a context."""
        ids = set(self.items)
        matching = [item in ids for item in item_ids]
        if self.where and context is not None:
            columns = [context.items.get(f"item_attributes__{f.field.column}") for f in self.where]
            for n in range(len(matching)):
                matching[n] = matching[n] or all(
                    column is not None and condition.allows(column[n])
                    for condition, column in zip(self.where, columns, strict=True)
                )
        return matching


@dataclass(frozen=True)
class Diversity:
    """How far items move down if they resemble the items above them; 0 is not at all."""

    weight: float = 0.0
    occasion: Occasion = field(default_factory=Occasion)


@dataclass(frozen=True)
class Exploration:
    """How often the slots of a page, from 1, show an item from below the page.

    With a temperature there are no slots, and `share` is the share of lists drawn as a whole.
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
        """Read and check a file; without a file there are no rules.

        Raises:
            SettingError: names the error and its position in the file.
        """
        return cls._of(read_toml(path), str(path), shop)

    @classmethod
    def parse(cls, text: str, shop: Shop) -> "Rules":
        """Check the text of a file, as the service does when it loads the file.

        Raises:
            SettingError: names the error and its position in the text.
        """
        try:
            table = tomllib.loads(text)
        except ValueError as error:
            raise SettingError(f"{RULES_FILE}: expected TOML: {error}.") from None
        return cls._of(table, RULES_FILE, shop)

    @classmethod
    def _of(cls, table: Mapping[str, Any], source: str, shop: Shop) -> "Rules":
        try:
            check_keys(table, {"rule", "diversity", "exploration"}, "the file")
            return cls(
                tuple(
                    _rule(rule, f"rule {n}", shop)
                    for n, rule in enumerate(table.get("rule", []), 1)
                ),
                _diversity(table.get("diversity", {})),
                _exploration(table.get("exploration", {})),
            )
        except (EventError, TypeError, ValueError) as error:
            raise SettingError(f"{source}: {error}") from None

    def changed(self, diversity: float | None, exploration: Mapping[str, Any] | None) -> "Rules":
        """Return the rules with another weight of diversity, and another table `[exploration]`.

        Raises:
            SettingError: the table is wrong.
        """
        rules = self if diversity is None else replace(self, diversity=Diversity(diversity))
        try:
            explored = None if exploration is None else _exploration(exploration)
        except (EventError, TypeError, ValueError) as error:
            raise SettingError(str(error)) from None
        return rules if explored is None else replace(rules, exploration=explored)

    def now(self, **occasion: Any) -> "Rules":
        """Return the rules that apply to a request; see `Occasion.is_now`."""
        return Rules(
            tuple(rule for rule in self.rules if rule.occasion.is_now(**occasion)),
            self.diversity if self.diversity.occasion.is_now(**occasion) else Diversity(),
            self.exploration if self.exploration.occasion.is_now(**occasion) else Exploration(),
        )


def draft_path(home: Home, name: str) -> Path | None:
    """Return the file of a draft of rules, which may be absent; None for a name of another form."""
    if not re.fullmatch("[0-9a-f]{16}", name):
        return None
    return home.root / _DRAFTS / f"{name}.toml"


def _rule(table: Mapping[str, Any], path: str, shop: Shop) -> Rule:
    check_keys(table, _RULE, path)
    action: Any = table.get("action")
    if action not in get_args(Action):
        raise EventError(f"{path}.action", f"one of {', '.join(get_args(Action))}", action)
    items, where = texts_of(table, "items", path), table.get("where", {})
    if bool(items) == bool(where):
        raise EventError(path, "either items or where", "both" if items else "neither")
    if action == "pin" and not items:
        raise EventError(f"{path}.items", "ids of the items to pin", "none")
    return Rule(
        action,
        items,
        parse_filters(where, shop),
        number_of(table.get("factor", 2.0), f"{path}.factor", 1.0, 1000.0),
        int(number_of(table.get("position", 1), f"{path}.position", 1, 1000)),
        Occasion.of(table, path),
    )


def _diversity(table: Mapping[str, Any]) -> Diversity:
    check_keys(table, {"weight", "surface", "market"}, "diversity")
    weight = number_of(table.get("weight", 0.0), "diversity.weight", 0, 1)
    return Diversity(weight, Occasion.of(table, "diversity"))


def _exploration(table: Mapping[str, Any]) -> Exploration:
    check_keys(table, {"share", "slots", "temperature", "surface", "market"}, "exploration")
    temperature = table.get("temperature")
    if temperature is not None:
        temperature = number_of(temperature, "exploration.temperature", 0.05, 100)
        if "slots" in table:
            raise EventError("exploration", "either slots or a temperature", "both")
    share = number_of(table.get("share", 0.0), "exploration.share", 0, 1)
    slots = [number_of(s, "exploration.slots", 1, 100) for s in table.get("slots", [])]
    return Exploration(
        share,
        tuple(sorted({int(s) for s in slots})),
        Occasion.of(table, "exploration"),
        temperature,
    )
