"""The parts of the simulated shop: its words, its world, its days, and the truth about it.

    config = ShopConfig(users=1500, items=600, seed=11, slate=(10, 10), policy="strong",
                        click_model="dbn", bias=1.0, randomized_share=0.05)
    shop = Shop.draw(config, days=14)            # training.studies.simulation.shop
    log = Slates.joined(shop.slates())           # columns, see training.studies.simulation.slates

`log` holds per request `user device market intent focus randomized …`, per impression `item
position score propensity clicked carted ordered …` and the truth of each, `attraction` and
`examination`.  Day by day instead: `visits.slate_blocks(shop.day(n))`.

Observable are `shop.items` but for quality, fame and taste, `shop.users.market` and `.device`, and
of a day `price`, `discount` and `in_stock`.  The truth of any user, search and item is
`shop.day(n).attraction(users, focus, intents, items)`; orders that would be best, the value of
slates that were never shown and of any policy are in `training.studies.simulation.truth`.

Equal configs give equal shops in any process; day n is the same however many days there are.
"""

from training.studies.simulation.configuration import CLICK_MODELS, POLICIES, Breakage, ShopConfig
from training.studies.simulation.day import Day
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.policies import Pools
from training.studies.simulation.shop import Shop
from training.studies.simulation.simulator import simulate, truth_path
from training.studies.simulation.slates import Slates
from training.studies.simulation.users import DEVICES
from training.studies.simulation.visits import PER_DAY

__all__ = [
    "CLICK_MODELS",
    "DEVICES",
    "MARKETS",
    "PER_DAY",
    "POLICIES",
    "Breakage",
    "Day",
    "Pools",
    "Shop",
    "ShopConfig",
    "Slates",
    "simulate",
    "truth_path",
]
