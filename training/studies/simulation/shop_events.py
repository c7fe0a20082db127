"""Everything that happens in a simulated shop, as tables of events, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from training.metrics import Ints, stream
from training.studies.simulation.breakage import broken, split_at
from training.studies.simulation.calendar import day_start
from training.studies.simulation.catalogue_events import item_events, leak_events, user_events
from training.studies.simulation.ids import Names
from training.studies.simulation.shop import Shop
from training.studies.simulation.shopping_events import interaction_events, ranking_events, truth
from training.studies.simulation.visits import slate_blocks

TRUTH = "truth"
"""Kind of the tables that hold the truth, beside the kinds of events."""


@dataclass
class ShopEvents:
    """The events of a shop.

    Attributes:
        waiting: interactions of days gone by that are still to come: late orders and returns.
    """

    shop: Shop
    waiting: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Name everything once."""
        self._names = Names(self.shop)

    def on(self, number: int) -> Iterator[tuple[str, pa.Table]]:
        """The events of a day and its truth, by kind, some thousand at a time.

        Days must be asked for in order, from 0: an order of today may be of yesterday's click.
        """
        day, end = self.shop.day(number), day_start(number + 1)
        clicks = np.zeros(len(self.shop.items), np.int64)
        if number == 0:
            yield "user", user_events(self._names)
        yield "item", item_events(self._names, day)
        yield from self._due(end)
        for block, slates in enumerate(slate_blocks(day)):
            clicks += np.bincount(slates.item[slates.clicked], minlength=clicks.size)
            rng = stream(self.shop.config.seed, "breakage", number, block)
            breakage = self.shop.config.breakage
            yield "ranking", broken(rng, breakage, ranking_events(self._names, slates))
            acted = broken(rng, breakage, interaction_events(self._names, day, slates))
            now, later = split_at(acted, end)
            self.waiting.append(later)
            yield "interaction", now
            yield TRUTH, truth(self._names, slates)
        yield from self._leak(number, clicks)

    def _due(self, end: int) -> Iterator[tuple[str, pa.Table]]:
        if self.waiting:
            due, later = split_at(pa.concat_tables(self.waiting), end)
            self.waiting = [later.combine_chunks()]
            yield "interaction", due

    def _leak(self, number: int, clicks: Ints) -> Iterator[tuple[str, pa.Table]]:
        if self.shop.config.breakage.leak:
            yield "item", leak_events(self._names, self.shop.day(number), clicks)
