"""An experiment, and the settings of requests that its variants change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from training.experiments.occasion import Occasion

BUCKETS = 10_000
"""Parts into which a layer divides its units."""

Unit = Literal["user", "session", "first"]
Kind = Literal["ab", "interleaving"]
Drafting = Literal["team", "optimized"]
OVERRIDES = ("model", "rules", "diversity", "exploration", "sources")


@dataclass(frozen=True)
class Variant:
    """One way to answer, and its share of the experiment's shoppers.

    Attributes:
        weight: relative to those of the other variants; 0 treats no new shopper.
        model: name of a published ranker; None for the default one.
        rules: name of a file of rules in the home; None for `rules.toml`.
        diversity: weight, 0 to 1; None for that of the rules.
        exploration: table as in the rules; None for theirs.
        sources: by candidate source, its weight in place of the surface's; 0 leaves it out.
    """

    name: str
    weight: float = 1.0
    model: str | None = None
    rules: str | None = None
    diversity: float | None = None
    exploration: Mapping[str, Any] | None = None
    sources: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def changes(self) -> frozenset[str]:
        """What the variant overrides."""
        return frozenset(name for name in OVERRIDES if getattr(self, name) not in (None, {}))


INTERLEAVED = Variant("interleaved")
"""What shoppers of an interleaving get: pages that both variants fill."""


@dataclass(frozen=True)
class Experiment:
    """Variants that are compared on live traffic.

    Attributes:
        unit: who gets a variant.
        buckets: of its layer, first and last.
        variants: the control is the first.
        decision: how the report decides, as in the file.
        is_shipped: whether it was decided that all requests get its only variant.
        kind: whether each shopper gets one variant, or pages that two variants fill.
        draft: how they fill a page.
    """

    name: str
    layer: str
    unit: Unit
    buckets: tuple[int, int]
    variants: tuple[Variant, ...]
    occasion: Occasion = field(default_factory=Occasion)
    decision: Mapping[str, Any] = field(default_factory=dict)
    is_shipped: bool = False
    kind: Kind = "ab"
    draft: Drafting = "team"

    def shipped(self, variant: str) -> "Experiment":
        """Return the experiment with one variant for all requests."""
        only = tuple(each for each in self.variants if each.name == variant)
        return replace(self, variants=only, is_shipped=True, kind="ab")

    @property
    def answers(self) -> tuple[Variant, ...]:
        """What a request may get: a variant, or a page of both."""
        return (*self.variants, INTERLEAVED) if self.is_interleaving else self.variants

    @property
    def is_interleaving(self) -> bool:
        """Whether two variants fill the pages of each shopper."""
        return self.kind == "interleaving"

    @cached_property
    def changes(self) -> frozenset[str]:
        """What any variant overrides; an interleaved page is drafted instead of explored."""
        drafted = ("exploration",) if self.is_interleaving else ()
        return frozenset(drafted).union(*(variant.changes for variant in self.variants))
