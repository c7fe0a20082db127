"""A bandit: arms, and how it chooses among them."""

from dataclasses import dataclass, field
from typing import Literal

from feature_repo.events.contract import arm_key
from feature_repo.home import HOUR
from training.bandits.context import Context
from training.experiments import Occasion

Model = Literal["beta", "linear"]
DEFAULT_WINDOW_HOURS = 24.0


@dataclass(frozen=True)
class Bandit:
    """One bandit.

    Attributes:
        arms: A of them, in the order of the file.
        default: the arm that is chosen while the bandit is off.
        model: `beta`: an independent beta posterior of each arm in each cell; `linear`: a normal
            posterior of each arm's weights, which all cells share.
        context: what it distinguishes requests by.
        discount: weight of the counts of a day, relative to those of the next day, above 0; 1
            forgets nothing.
        floor: least probability of each arm, up to 1 / A.
        prior: rewards and missing rewards that count before the first decision.
        window: how long after a decision its reward may happen, µs.
        occasion: when it is on.
        surfaces: the pages that have it in a slot.
        is_enabled: False switches it off.
    """

    name: str
    arms: tuple[str, ...]
    default: str
    model: Model = "beta"
    context: Context = field(default_factory=Context)
    discount: float = 1.0
    floor: float = 0.0
    prior: tuple[float, float] = (1.0, 1.0)
    window: int = int(DEFAULT_WINDOW_HOURS * HOUR)
    occasion: Occasion = field(default_factory=Occasion)
    surfaces: frozenset[str] = frozenset()
    is_enabled: bool = True

    def is_on(self, t: int, market: str) -> bool:
        """Whether the bandit chooses for a request; otherwise its default is shown."""
        is_now = self.occasion.is_now(t=t, query=None, market=market, surface=None)
        return self.is_enabled and is_now

    def is_enabled_at(self, t: int) -> bool:
        """Whether the bandit chooses in any market."""
        return any(self.is_on(t, market) for market in self.occasion.markets or [""])

    def keys(self, cell: int) -> list[str]:
        """Return the keys of the arms that the posterior of a cell depends on.

        These are A keys of the cell; for a linear model those of all C cells, cell by cell.
        """
        cells = self.context.cells
        labels = [each.label for each in (cells if self.model == "linear" else [cells[cell]])]
        return [arm_key(self.name, label, arm) for label in labels for arm in self.arms]

    @property
    def all_keys(self) -> list[str]:
        """The keys of the arms in every cell, cell by cell."""
        labels = [cell.label for cell in self.context.cells]
        return [arm_key(self.name, label, arm) for label in labels for arm in self.arms]
