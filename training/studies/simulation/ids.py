"""Ids and words of what the simulated shop knows by number, as Arrow texts."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from training.metrics import Ints
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.shop import Shop
from training.studies.simulation.visits import PER_DAY

_FORMS = 4


def joined(*parts: object) -> pa.Array:
    """Texts put together; numbers as text, a plain text the same in every row."""
    texts = [part if isinstance(part, str) else pc.cast(part, pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


@dataclass(frozen=True)
class Names:
    """The names of one shop; each method takes numbers of shape (n,) and gives n texts."""

    shop: Shop

    def items(self, numbers: Ints) -> pa.Array:
        """Item ids."""
        return self._items.take(pa.array(numbers))

    def users(self, numbers: Ints, bots: Ints) -> pa.Array:
        """User ids of people and of bots; null where both are -1."""
        people = self._users.take(pa.array(numbers, mask=numbers < 0))
        if (bots < 0).all():
            return people
        named = joined("bot", pa.array(bots, mask=bots < 0))
        return pc.coalesce(people, named)

    def requests(self, numbers: Ints) -> pa.Array:
        """Request ids."""
        return joined("r", pa.array(numbers + PER_DAY))

    def sessions(self, numbers: Ints) -> pa.Array:
        """Session ids."""
        return joined("s", pa.array(numbers + PER_DAY))

    def markets(self, codes: Ints) -> pa.Array:
        """Market names."""
        return pa.array(self.shop.config.markets).take(pa.array(codes))

    def queries(self, markets: Ints, intents: Ints, forms: Ints) -> pa.Array:
        """What was typed; null on the home page."""
        place = (markets * len(self.shop.intents) + intents) * _FORMS + forms
        return self._queries.take(pa.array(place, mask=intents < 0))

    @cached_property
    def _items(self) -> pa.Array:
        return pa.array([f"i{n:05d}" for n in range(len(self.shop.items))])

    @cached_property
    def _users(self) -> pa.Array:
        return pa.array([f"u{n:05d}" for n in range(len(self.shop.users))])

    @cached_property
    def _queries(self) -> pa.Array:
        intents = self.shop.intents
        texts = [intents.texts(MARKETS[name]) for name in self.shop.config.markets]
        return pa.array(np.array(texts).ravel().tolist())
