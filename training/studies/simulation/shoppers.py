"""The shoppers of one simulated day, who look at slates that any policy shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np

from training.metrics import stream
from training.studies.simulation.day import Day
from training.studies.simulation.ids import Ids
from training.studies.simulation.outcomes import DRAWS, draw_outcomes
from training.studies.simulation.policies import Pools
from training.studies.simulation.shop import Shop
from training.studies.simulation.slates import Requests
from training.studies.simulation.visits import (
    attraction_of,
    clicks_of,
    count_human_visits,
    draw_requests,
)


class Request(NamedTuple):
    """What a shopper asks for.

    Attributes:
        number: in the order of arrival, from 0.
        query: None on the home page.
        user: None for a visitor without a name.
        size: items that the page shows.
    """

    number: int
    query: str | None
    user: str | None
    session: str
    market: str
    size: int


class Response(NamedTuple):
    """What a shopper does with an item: click, add_to_cart or purchase."""

    type: str
    item_id: str
    value: float | None = None


@dataclass(frozen=True)
class Shoppers:
    """The shoppers of a day of a shop; the same requests in every process.

    Attributes:
        number: of the day, from 0.
        most: requests of the day that are made at most, spread evenly over it.
    """

    shop: Shop
    number: int
    most: int

    @cached_property
    def requests(self) -> list[Request]:
        """The requests in the order of arrival."""
        drawn, ids = self._drawn, self._ids
        queries = ids.queries(drawn.market, drawn.intent, drawn.form).to_pylist()
        users = ids.users(np.where(drawn.anonymous, -1, drawn.user), drawn.bot).to_pylist()
        sessions, markets = ids.sessions(drawn.visit), ids.markets(drawn.market)
        sizes = self._rng(0).integers(*self.shop.config.slate, size=len(drawn), endpoint=True)
        columns = (queries, users, sessions.to_pylist(), markets.to_pylist(), sizes.tolist())
        return [Request(n, *row) for n, row in enumerate(zip(*columns, strict=True))]

    def look_at(self, request: Request, item_ids: Sequence[str]) -> list[Response]:
        """Draw what the shopper of a request does with a slate, in order.

        Args:
            request: one of `requests`.
            item_ids: best first; the shopper ignores an item that the shop does not have.
        """
        numbers = np.array([self._numbers.get(item_id, -1) for item_id in item_ids], np.int64)
        if not numbers.size:
            return []
        row = self._row(request.number)
        rng = self._rng(1 + request.number)
        items = np.maximum(numbers, 0)[None, :]
        attraction = np.where(numbers >= 0, attraction_of(self._day, row, items), 0.0)
        clicks = clicks_of(self._day, row, attraction, rng.random((2, *items.shape)))
        clicked = np.flatnonzero(clicks.clicked[0] & (numbers >= 0))
        bought = numbers[clicked]
        outcomes = draw_outcomes(
            attraction[0, clicked],
            self._day.in_stock[bought],
            self._day.items.quality[bought],
            rng.random((DRAWS, clicked.size)),
        )
        responses = []
        for n, position in enumerate(clicked.tolist()):
            item = item_ids[position]
            responses.append(Response("click", item))
            if outcomes.carted[n]:
                responses.append(Response("add_to_cart", item))
            if outcomes.ordered[n]:
                price = float(self._day.price[numbers[position]])
                responses.append(Response("purchase", item, price))
        return responses

    @cached_property
    def _day(self) -> Day:
        return self.shop.day(self.number)

    @cached_property
    def _ids(self) -> Ids:
        return Ids(self.shop)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        ids = self._ids.items(np.arange(len(self.shop.items))).to_pylist()
        return {item_id: number for number, item_id in enumerate(ids)}

    @cached_property
    def _drawn(self) -> Requests:
        """All requests of the day, or evenly spaced ones, by their time."""
        visits = np.arange(count_human_visits(self._day))
        rng = stream(self.shop.config.seed, "shoppers", self.number)
        drawn = draw_requests(self._day, Pools(self._day), rng, visits, visits.size)
        order = np.argsort(drawn.t, kind="stable")
        chosen = order[:: max(1, -(-order.size // self.most))]
        return _rows(drawn, chosen)

    def _row(self, number: int) -> Requests:
        return _rows(self._drawn, np.array([number]))

    def _rng(self, number: int) -> np.random.Generator:
        return stream(self.shop.config.seed, "looks", self.number, number)


def _rows(requests: Requests, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Requests:
    columns = {field.name: getattr(requests, field.name)[rows] for field in fields(Requests)}
    return Requests(**columns)
