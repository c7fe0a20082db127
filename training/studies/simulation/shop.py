"""A simulated shop: items, users and intents drawn from the seed, and its days."""

from collections.abc import Iterator
from dataclasses import dataclass

from feature_repo.home import SettingError
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.day import Day
from training.studies.simulation.intents import Intents, draw_intents
from training.studies.simulation.items import Items, draw_items
from training.studies.simulation.markets import MARKETS, Market
from training.studies.simulation.slates import Slates
from training.studies.simulation.users import Users, draw_users
from training.studies.simulation.visits import slate_blocks


@dataclass(frozen=True)
class Shop:
    """A shop of some days; a shop of more days begins with the same days.

    Attributes:
        days: number of days with drawn items.
    """

    config: ShopConfig
    days: int
    items: Items
    users: Users
    intents: Intents

    @classmethod
    def draw(cls, config: ShopConfig, days: int = 21) -> "Shop":
        """Draw the items, users and intents of a shop.

        Raises:
            SettingError: fewer than one day.
        """
        if days < 1:
            raise SettingError(f"A simulated shop: expected at least one day, found {days} days.")
        return cls(config, days, draw_items(config, days), draw_users(config), draw_intents(config))

    @property
    def markets(self) -> list[Market]:
        """The markets, by code."""
        return [MARKETS[name] for name in self.config.markets]

    def day(self, number: int) -> Day:
        """Return one day, counted from 0; it does not depend on other days."""
        return Day(self.config, number, self.items, self.users, self.intents)

    def slates(self) -> Iterator[Slates]:
        """Simulate day by day; yield blocks of some thousand slates with their outcomes."""
        for number in range(self.days):
            yield from slate_blocks(self.day(number))
