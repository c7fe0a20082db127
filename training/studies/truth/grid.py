"""The grid of simulated shops where rankers are compared with the truth."""

import itertools
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from feature_repo.home import SettingError
from training.studies.simulation import CLICK_MODELS, POLICIES

GRID = Path(__file__).with_name("truth_grid.toml")


@dataclass(frozen=True)
class ShopSize:
    """The size of the shops and their randomized share; see `truth_grid.toml`."""

    users: int
    items: int
    days: int
    impressions: int
    slate: int
    randomized_share: float
    temperature: float
    fresh_slates: int


@dataclass(frozen=True)
class Cell:
    """The settings of a shop, without the seed."""

    bias_strength: float
    logging_ranker: str
    click_model: str


@dataclass(frozen=True)
class TruthGrid:
    """The cells and seeds of a grid, and the size of every shop."""

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    shop: ShopSize

    @classmethod
    def load(cls, path: Path = GRID) -> "TruthGrid":
        """Read a grid.

        Raises:
            SettingError: the file is unreadable, or a key is missing, unknown or of another type.
        """
        try:
            table = tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise SettingError(f"{path}: expected a truth grid in TOML: {error}.") from None
        axes = _checked(path, "grid", table.get("grid"), _AXES)
        sizes = _checked(path, "shop", table.get("shop"), _SIZES)
        for name, valid in (("logging_ranker", POLICIES), ("click_model", CLICK_MODELS)):
            unknown = [value for value in axes[name] if value not in valid]
            if unknown:
                raise SettingError(f"{path}: {name}: expected some of {valid}, found {unknown}.")
        cells = itertools.product(*(axes[field.name] for field in fields(Cell)))
        return cls(tuple(Cell(*cell) for cell in cells), tuple(axes["seeds"]), ShopSize(**sizes))

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as JSON values."""
        return asdict(self)


_AXES: dict[str, type] = {
    "bias_strength": float,
    "logging_ranker": str,
    "click_model": str,
    "seeds": int,
}
_SIZES = {field.name: field.type for field in fields(ShopSize)}


def _checked(path: Path, name: str, table: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return a table of the file if it has exactly these keys with values of their types."""
    if not isinstance(table, dict) or set(table) != set(kinds):
        keys = sorted(table) if isinstance(table, dict) else table
        raise SettingError(f"{path}: [{name}]: expected the keys {sorted(kinds)}, found {keys}.")
    for key, kind in kinds.items():
        values = table[key] if name == "grid" else [table[key]]
        if not isinstance(values, list) or not values or not all(_is(v, kind) for v in values):
            what = f"a list of {kind.__name__}" if name == "grid" else kind.__name__
            raise SettingError(f"{path}: {key}: expected {what}, found {table[key]!r}.")
    return table


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
