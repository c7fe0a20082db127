"""The context of a decision: levels of a few values of the request, and the cells that they make.

Each value has a level, whose label says what it covers.  The labels of all values are the cell,
part of an arm's key; a changed declaration makes other labels, so that no earlier count gets
another meaning.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

MISSING, OTHER, NO_CONTEXT = "missing", "other", "any"
"""Labels: of a feature without a value, of a text that is not declared, and of no context."""


@dataclass(frozen=True)
class Feature:
    """A number of the shopper, the query or the market, in levels.

    Attributes:
        name: of a feature, such as `user_engagement__clicks_7d`.
        cuts: ascending; each begins a level.
    """

    name: str
    cuts: tuple[float, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The label of each level: of a missing value, then upwards."""
        edges = ["", *(f"{cut:g}" for cut in self.cuts), ""]
        spans = [f"{low}..{high}" for low, high in pairwise(edges)]
        return (MISSING, *(f"{self.name}={span}" for span in spans))

    def level(self, values: Mapping[str, object]) -> int:
        """Return the position of a request's level."""
        value = values.get(self.name)
        if not isinstance(value, int | float) or math.isnan(value):
            return 0
        return 1 + sum(value >= cut for cut in self.cuts)

    def columns(self, level: int) -> tuple[float, ...]:
        """Return what a linear model reads: whether there is no value, and the level, 0 to 1."""
        return float(level == 0), max(level - 1, 0) / len(self.cuts)


@dataclass(frozen=True)
class Text:
    """A text of the request: its market, or a value that its sender gives.

    Attributes:
        name: `market`, or the sender's name of it.
        values: the declared ones; all others are one level.
    """

    name: str
    values: tuple[str, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The label of each level: of other texts, then of each value."""
        return (f"{self.name}={OTHER}", *(f"{self.name}={value}" for value in self.values))

    def level(self, values: Mapping[str, object]) -> int:
        """Return the position of a request's level."""
        value = values.get(self.name)
        return 1 + self.values.index(value) if value in self.values else 0

    def columns(self, level: int) -> tuple[float, ...]:
        """Return what a linear model reads: whether it is each of the values."""
        return tuple(float(level == n) for n in range(1, len(self.values) + 1))


Dimension = Feature | Text


@dataclass(frozen=True)
class Cell:
    """One combination of levels.

    Attributes:
        label: part of the keys of the arms in it.
        columns: what a linear model reads of it, shape (D,); the first is 1.
    """

    label: str
    columns: tuple[float, ...]


@dataclass(frozen=True)
class Context:
    """The values that a bandit distinguishes requests by."""

    dimensions: tuple[Dimension, ...] = ()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every combination of levels, in a fixed order."""
        levels = [range(len(each.labels)) for each in self.dimensions]
        return tuple(map(self._cell, product(*levels)))

    def position(self, values: Mapping[str, object]) -> int:
        """Return the position of a request's cell among `cells`."""
        position = 0
        for each in self.dimensions:
            position = position * len(each.labels) + each.level(values)
        return position

    def _cell(self, levels: Sequence[int]) -> Cell:
        pairs = list(zip(self.dimensions, levels, strict=True))
        label = ",".join(each.labels[level] for each, level in pairs) or NO_CONTEXT
        columns = [column for each, level in pairs for column in each.columns(level)]
        return Cell(label, (1.0, *columns))
