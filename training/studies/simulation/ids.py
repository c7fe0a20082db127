"""Ids and query texts of the simulated shop, as Arrow arrays."""

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


def concat_texts(*parts: object) -> pa.Array:
    """Concatenate columns row by row; numbers become text, a plain string repeats in every row."""
    texts = [part if isinstance(part, str) else pc.cast(part, pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


@dataclass(frozen=True)
class Ids:
    """The ids of one shop; each method maps numbers or codes of shape (n,) to n texts."""

    shop: Shop

    def items(self, numbers: Ints) -> pa.Array:
        """Return item ids."""
        return self._items.take(pa.array(numbers))

    def users(self, numbers: Ints, bots: Ints) -> pa.Array:
        """Return user ids of humans and bots; null where both numbers are -1."""
        humans = self._users.take(pa.array(numbers, mask=numbers < 0))
        if (bots < 0).all():
            return humans
        return pc.coalesce(humans, concat_texts("bot", pa.array(bots, mask=bots < 0)))

    def requests(self, numbers: Ints) -> pa.Array:
        """Return request ids."""
        return concat_texts("r", pa.array(numbers + PER_DAY))

    def sessions(self, numbers: Ints) -> pa.Array:
        """Return session ids."""
        return concat_texts("s", pa.array(numbers + PER_DAY))

    def markets(self, codes: Ints) -> pa.Array:
        """Return market names."""
        return pa.array(self.shop.config.markets).take(pa.array(codes))

    def queries(self, markets: Ints, intents: Ints, forms: Ints) -> pa.Array:
        """Return query texts; null on the home page."""
        index = (markets * len(self.shop.intents) + intents) * _FORMS + forms
        return self._queries.take(pa.array(index, mask=intents < 0))

    @cached_property
    def _items(self) -> pa.Array:
        return pa.array([f"i{n:05d}" for n in range(len(self.shop.items))])

    @cached_property
    def _users(self) -> pa.Array:
        return pa.array([f"u{n:05d}" for n in range(len(self.shop.users))])

    @cached_property
    def _queries(self) -> pa.Array:
        """Every query text, by market, then intent, then form."""
        intents = self.shop.intents
        texts = [intents.texts(MARKETS[name]) for name in self.shop.config.markets]
        return pa.array(np.array(texts).ravel().tolist())
