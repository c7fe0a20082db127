"""The bandits of a shop, from the home's `bandits.toml`.

    [[bandit]]
    name = "banner"
    arms = ["sale", "new", "brand"]
    default = "brand"           # the arm while the bandit is off; by default the first
    enabled = true              # false switches it off
    model = "beta"              # or linear: all cells of the context share an arm's weights
    discount = 0.9              # weight of a day relative to the next (1: nothing is forgotten)
    floor = 0.05                # least probability of each arm (0)
    prior = [1, 1]              # rewards and missing rewards before the first decision (default)
    window_hours = 24           # how long after its decision a reward may happen (the default)
    surface = ["home"]          # pages whose answers have it in a slot
    market = ["uk"]             # when: all optional
    from = 2026-12-01T00:00:00Z
    until = 2026-12-15T00:00:00Z

    [[bandit.context]]          # a number of the shopper, the query or the market, in levels
    feature = "user_engagement__clicks_7d"
    cuts = [1, 10]

    [[bandit.context]]          # the market, or a text in the request's `context`
    text = "device"
    values = ["mobile", "desktop"]

The file is checked when it is loaded; a file with an error is rejected as a whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from feature_repo.home import (
    HOUR,
    EventError,
    SettingError,
    check_keys,
    number_of,
    read_toml,
    texts_of,
)
from feature_repo.shop import Shop
from feature_repo.views import Entity, views_of
from training.bandits.bandit import DEFAULT_WINDOW_HOURS, Bandit, Model
from training.bandits.context import OTHER, Context, Dimension, Feature, Text
from training.experiments import Occasion

BANDITS_FILE = "bandits.toml"
MOST_ARMS, MOST_CELLS, MOST_KEYS = 16, 64, 512
"""Arms of a bandit, cells of its context, and arms in all cells, which a linear model reads."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VALUE = re.compile(r"[\w.-]{1,64}")
_OCCASION = {"market", "from", "until"}
_BANDIT = {
    *("name", "arms", "default", "enabled", "model", "discount", "floor", "prior"),
    *("window_hours", "surface", "context", *_OCCASION),
}
_LEAST_DISCOUNT, _LEAST_PRIOR, _MOST_PRIOR = 0.01, 0.01, 1e6
_LEAST_HOURS, _MOST_HOURS = 1 / 60, 24 * 90
_ENTITIES: tuple[Entity, ...] = ("user", "query", "market")
"""Whose features a context may have."""


@dataclass(frozen=True)
class Bandits:
    """All bandits of a shop, in the order of the file."""

    bandits: tuple[Bandit, ...] = ()

    @classmethod
    def load(cls, path: Path, shop: Shop) -> "Bandits":
        """Read and check a file; without a file there are no bandits.

        Raises:
            SettingError: names the error and its position in the file.
        """
        table = read_toml(path)
        try:
            check_keys(table, {"bandit"}, "the file")
            tables = enumerate(table.get("bandit", []), 1)
            bandits = tuple(_bandit(each, f"bandit {n}", shop) for n, each in tables)
            names = [bandit.name for bandit in bandits]
            if len({*names}) < len(names):
                raise EventError("bandit.name", "unique names", ", ".join(names))
            return cls(bandits)
        except (EventError, TypeError, ValueError) as error:
            raise SettingError(f"{path}: {error}") from None

    def get(self, name: str) -> Bandit | None:
        """Return the bandit of a name; None without one."""
        return next((bandit for bandit in self.bandits if bandit.name == name), None)

    def of_surface(self, surface: str | None) -> list[Bandit]:
        """Return the bandits of the slots of a page."""
        return [bandit for bandit in self.bandits if surface in bandit.surfaces]


def _bandit(table: Mapping[str, Any], path: str, shop: Shop) -> Bandit:
    check_keys(table, _BANDIT, path)
    name = _name(table.get("name"), f"{path}.name")
    path = f"bandit {name!r}"
    arms = tuple(_name(arm, f"{path}.arms") for arm in texts_of(table, "arms", path))
    if not 2 <= len(arms) <= MOST_ARMS or len({*arms}) < len(arms):
        raise EventError(f"{path}.arms", f"2 to {MOST_ARMS} different names", f"{[*arms]}")
    default, enabled = table.get("default", arms[0]), table.get("enabled", True)
    model: Any = table.get("model", "beta")
    if default not in arms:
        raise EventError(f"{path}.default", f"one of {', '.join(arms)}", repr(default))
    if not isinstance(enabled, bool):
        raise EventError(f"{path}.enabled", "true or false", repr(enabled))
    if model not in get_args(Model):
        raise EventError(f"{path}.model", f"one of {', '.join(get_args(Model))}", repr(model))
    context = _context(table.get("context", []), f"{path}.context", shop)
    if model == "linear" and len(context.cells) * len(arms) > MOST_KEYS:
        size = f"{len(arms)} arms in {len(context.cells)} combinations"
        raise EventError(f"{path}.context", f"at most {MOST_KEYS} arms in all of them", size)
    hours = table.get("window_hours", DEFAULT_WINDOW_HOURS)
    return Bandit(
        name,
        arms,
        default,
        model,
        context,
        number_of(table.get("discount", 1.0), f"{path}.discount", _LEAST_DISCOUNT, 1),
        number_of(table.get("floor", 0.0), f"{path}.floor", 0, 1 / len(arms)),
        _prior(table.get("prior", [1, 1]), f"{path}.prior"),
        round(number_of(hours, f"{path}.window_hours", _LEAST_HOURS, _MOST_HOURS) * HOUR),
        Occasion.of({key: table[key] for key in _OCCASION & table.keys()}, path),
        frozenset(texts_of(table, "surface", path)),
        enabled,
    )


def _context(tables: Any, path: str, shop: Shop) -> Context:
    context = Context(tuple(_dimension(each, path, shop) for each in tables))
    names = [each.name for each in context.dimensions]
    if len({*names}) < len(names):
        raise EventError(path, "each value once", ", ".join(names))
    if len(context.cells) > MOST_CELLS:
        raise EventError(path, f"at most {MOST_CELLS} combinations of levels", len(context.cells))
    return context


def _dimension(table: Mapping[str, Any], path: str, shop: Shop) -> Dimension:
    if isinstance(table, dict) and "text" in table:
        check_keys(table, {"text", "values"}, path)
        name, values = _name(table["text"], f"{path}.text"), texts_of(table, "values", path)
        distinct = {*values} - {OTHER}
        if not values or len(distinct) < len(values) or not all(map(_VALUE.fullmatch, values)):
            expected = f"different texts of letters, digits, - _ and ., and none is {OTHER!r}"
            raise EventError(f"{path}.values", expected, f"{[*values]}")
        return Text(name, values)
    check_keys(table, {"feature", "cuts"}, path)
    feature, cuts = table.get("feature"), table.get("cuts")
    numbers = [
        f"{spec.name}__{number}"
        for spec in views_of(shop)
        if spec.entity in _ENTITIES
        for number in spec.numbers_of(shop)
    ]
    if feature not in numbers:
        expected = f"a number of {', '.join(_ENTITIES)}, such as user_engagement__clicks_7d"
        raise EventError(f"{path}.feature", expected, repr(feature))
    if not isinstance(cuts, list) or not cuts:
        raise EventError(f"{path}.cuts", "ascending numbers", repr(cuts))
    levels = tuple(number_of(cut, f"{path}.cuts", -1e15, 1e15) for cut in cuts)
    if list(levels) != sorted({*levels}):
        raise EventError(f"{path}.cuts", "ascending numbers", repr(cuts))
    return Feature(str(feature), levels)


def _prior(value: Any, path: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise EventError(path, "rewards and missing rewards, such as [1, 1]", repr(value))
    wins, losses = (number_of(each, path, _LEAST_PRIOR, _MOST_PRIOR) for each in value)
    return wins, losses


def _name(value: Any, path: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise EventError(path, "a name of a–z, 0–9, - and _, at most 64", repr(value))
    return value
