"""A simulated shop with known true relevance: users, sessions, slates, clicks and orders.

    config = ShopConfig(users=1500, items=600, seed=11, slate=(10, 10), policy="strong",
                        click_model="dbn", bias=1.0, randomized_share=0.05)
    shop = Shop.draw(config, days=14)            # training.studies.simulation.shop
    log = Slates.concatenate(shop.slates())      # columns, see training.studies.simulation.slates

A user starts a session (`visits`) with a focus on a category, and browses the home page or searches
with an intent (`intents`).  The logging policy ranks a pool of candidates (`policies`), a click
model decides which items are examined and clicked (`click_models`), and each click may lead to a
cart, an order and a return (`outcomes`).

`log` has columns per request (`user device market intent focus randomized …`) and per impression
(`item position score propensity clicked carted ordered …`), with the truth of each impression:
`attraction` and `examination`.  To simulate one day: `visits.slate_blocks(shop.day(n))`.

A ranker may use: `shop.items` except quality, fame and taste; `shop.users.market` and `.device`;
a day's `price`, `discount` and `in_stock`.  The rest is hidden truth: the relevance of any item to
any user and search is `shop.day(n).attraction(users, focus, intents, items)`; ideal orders and the
value of any slate and policy are in `training.studies.simulation.truth`.

Equal configurations give equal shops in any process; day n does not depend on the number of days.
"""

from training.studies.simulation.configuration import CLICK_MODELS, POLICIES, Breakage, ShopConfig
from training.studies.simulation.day import Day
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.policies import Pools
from training.studies.simulation.recognition import recognise
from training.studies.simulation.shop import Shop
from training.studies.simulation.shoppers import Request, Response, Shoppers
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
    "Request",
    "Response",
    "Shop",
    "ShopConfig",
    "Shoppers",
    "Slates",
    "recognise",
    "simulate",
    "truth_path",
]
