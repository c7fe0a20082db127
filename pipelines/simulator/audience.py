"""Who visits: shoppers whose tastes are those of the simulated shop, or strangers in any shop."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from feature_repo.home import Home, SettingError
from feature_repo.shop import Shop
from pipelines.inspection import frequent_queries
from training.studies.simulation import Request, Response, Shoppers, recognise

_QUERIES = 50
_SIZE = 12
_CLICK_RATE, _CART_RATE = 0.3, 0.2
"""A stranger clicks the item at position p with the chance rate / p."""


class Audience(Protocol):
    """Shoppers with their requests, who look at what a service shows them."""

    @property
    def requests(self) -> Sequence[Request]:
        """What they ask for, in order."""

    def look_at(self, request: Request, item_ids: Sequence[str]) -> Sequence[Response]:
        """Return what the shopper of a request does with a slate, best first."""


@dataclass(frozen=True)
class Strangers:
    """Visitors without names, who search the shop's frequent queries and click high positions."""

    requests: Sequence[Request]

    @classmethod
    def of(cls, queries: Sequence[str], market: str, number: int) -> "Strangers":
        """Return the visitors of `number` requests: the home page, and each query in turn."""
        texts = [None, *queries]
        return cls(
            [
                Request(n, texts[n % len(texts)], None, f"simulated-{n}", market, _SIZE)
                for n in range(number)
            ]
        )

    def look_at(self, request: Request, item_ids: Sequence[str]) -> list[Response]:
        """Draw clicks and carts, but no orders."""
        drawn, responses = Random(request.number), []
        for position, item in enumerate(item_ids, 1):
            if drawn.random() < _CLICK_RATE / position:
                responses.append(Response("click", item))
                if drawn.random() < _CART_RATE:
                    responses.append(Response("add_to_cart", item))
        return responses


def audience_of(home: Home, now: int, number: int, *, seed: int, confirmed: str) -> Audience:
    """Return the shoppers that fit the shop of a home.

    Args:
        home: of the shop.
        now: instant by the home's clock, whose day is simulated.
        number: of requests at most.
        seed: with which the shop was simulated, if it was.
        confirmed: the name of the shop, by which a person permits events of strangers in its log.

    Raises:
        SettingError: it is not a simulated shop, and its name is not confirmed.
    """
    recognised = recognise(home, now, seed)
    if recognised is not None:
        shop, day = recognised
        return Shoppers(shop, day, number)
    declared = Shop.load(home.shop_toml)
    if confirmed != declared.name:
        raise SettingError(
            f"shop: expected its name, found {confirmed!r}. Its items are not those that the seed "
            f"{seed} simulates, so nobody knows what its shoppers like, and made-up events would "
            f"stay in its log and change its features. To send them still, write: {declared.name}"
        )
    return Strangers.of(frequent_queries(home, _QUERIES), "default", number)
