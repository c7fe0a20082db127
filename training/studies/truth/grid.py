"""The grid of simulated shops in which rankers are held against the truth."""

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
    """How large the shops are and what is randomized; see `truth_grid.toml`."""

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
    """One kind of shop, whatever the seed."""

    bias_strength: float
    logging_ranker: str
    click_model: str


@dataclass(frozen=True)
class TruthGrid:
    """Cells and seeds, and the size of every shop."""

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    shop: ShopSize

    @classmethod
    def load(cls, path: Path = GRID) -> "TruthGrid":
        """Read a grid.

        Raises:
            SettingError: unreadable, or a key is missing, unknown or of a wrong kind.
        """
        try:
            table = tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise SettingError(f"{path}: expected a truth grid in TOML: {error}.") from None
        axes = _checked(path, "grid", table.get("grid"), _AXES)
        sizes = _checked(path, "shop", table.get("shop"), _SIZES)
        for name, known in (("logging_ranker", POLICIES), ("click_model", CLICK_MODELS)):
            unknown = [value for value in axes[name] if value not in known]
            if unknown:
                raise SettingError(f"{path}: {name}: expected some of {known}, found {unknown}.")
        kinds = itertools.product(*(axes[field.name] for field in fields(Cell)))
        return cls(tuple(Cell(*kind) for kind in kinds), tuple(axes["seeds"]), ShopSize(**sizes))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


_AXES: dict[str, type] = {
    "bias_strength": float, "logging_ranker": str, "click_model": str, "seeds": int,
}  # fmt: skip
_SIZES = {field.name: field.type for field in fields(ShopSize)}


def _checked(path: Path, name: str, found: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    """A table of the file with exactly these keys, each of its kind."""
    if not isinstance(found, dict) or set(found) != set(kinds):
        keys = sorted(found) if isinstance(found, dict) else found
        raise SettingError(f"{path}: [{name}]: expected the keys {sorted(kinds)}, found {keys}.")
    for key, kind in kinds.items():
        values = found[key] if name == "grid" else [found[key]]
        if not isinstance(values, list) or not values or not all(_is(v, kind) for v in values):
            what = f"a list of {kind.__name__}" if name == "grid" else kind.__name__
            raise SettingError(f"{path}: {key}: expected {what}, found {found[key]!r}.")
    return found


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
