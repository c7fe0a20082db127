"""All events of a simulated shop, as Arrow tables, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from training.metrics import Ints, stream
from training.studies.simulation.breakage import apply_breakage, split_at
from training.studies.simulation.calendar import day_start
from training.studies.simulation.catalogue_events import item_events, leak_events, user_events
from training.studies.simulation.ids import Ids
from training.studies.simulation.shop import Shop
from training.studies.simulation.shopping_events import (
    interaction_events,
    ranking_events,
    truth_table,
)
from training.studies.simulation.visits import slate_blocks

TRUTH = "truth"
"""Kind of the tables of truth; the other kinds are kinds of events."""


@dataclass
class ShopEvents:
    """The events of a shop.

    Attributes:
        pending: interactions that follow a click of an earlier day: delayed orders and returns.
    """

    shop: Shop
    pending: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Create the ids, which all days share."""
        self._ids = Ids(self.shop)

    def of_day(self, number: int) -> Iterator[tuple[str, pa.Table]]:
        """Yield the events of a day and its truth by kind, some thousand rows at a time.

        Call it for each day in order, from 0: an order of a day may follow a click of the day
        before.
        """
        day, end = self.shop.day(number), day_start(number + 1)
        clicks = np.zeros(len(self.shop.items), np.int64)
        if number == 0:
            yield "user", user_events(self._ids)
        yield "item", item_events(self._ids, day)
        yield from self._due(end)
        for block, slates in enumerate(slate_blocks(day)):
            clicks += np.bincount(slates.item[slates.clicked], minlength=clicks.size)
            rng = stream(self.shop.config.seed, "breakage", number, block)
            breakage = self.shop.config.breakage
            yield "ranking", apply_breakage(rng, breakage, ranking_events(self._ids, slates))
            interactions = apply_breakage(rng, breakage, interaction_events(self._ids, day, slates))
            due, later = split_at(interactions, end)
            self.pending.append(later)
            yield "interaction", due
            yield TRUTH, truth_table(self._ids, slates)
        yield from self._leak(number, clicks)

    def _due(self, end: int) -> Iterator[tuple[str, pa.Table]]:
        if self.pending:
            due, later = split_at(pa.concat_tables(self.pending), end)
            self.pending = [later.combine_chunks()]
            yield "interaction", due

    def _leak(self, number: int, clicks: Ints) -> Iterator[tuple[str, pa.Table]]:
        if self.shop.config.breakage.leak:
            yield "item", leak_events(self._ids, self.shop.day(number), clicks)
