"""A day's visits, block by block: who comes, what they look for, what they are shown and do.

Blocks have one size and a stream of chance each, so that a day needs little memory however many
come, and is the same in every process.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY, SECOND
from training.metrics import Bools, Floats, Ints, gumbel_top_k, stream
from training.studies.simulation.calendar import arrivals, day_start, interest, traffic
from training.studies.simulation.click_models import Looks, look
from training.studies.simulation.day import Day
from training.studies.simulation.intents import typed
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.outcomes import DRAWS, follow
from training.studies.simulation.policies import Pools, temperature_of
from training.studies.simulation.slates import NOT, Requests, Slates

BLOCK = 2048
"""Visits of a block."""
REQUESTS_PER_VISIT, MOST_REQUESTS = 1.8, 16
PER_DAY = 10**10
"""Request numbers of day d begin at d * PER_DAY."""

_SEARCH_SHARE = 0.5
_ANONYMOUS_SHARE = 0.04
_BETWEEN = (120 * SECOND, 600 * SECOND)
_BOT_CLICKS, _BOT_REQUESTS = 0.5, 10
_USERS_PER_BOT = 1000

Columns = dict[str, Any]


@dataclass(frozen=True)
class Visits:
    """V visits; columns as in `Slates`."""

    t: Ints
    market: Ints
    user: Ints
    focus: Ints
    anonymous: Bools


def slate_blocks(day: Day) -> Iterator[Slates]:
    """All slates of a day, people's first, each kind in order of arrival."""
    pools, people = Pools(day), count_human_visits(day)
    for block, first in enumerate(range(0, people, BLOCK)):
        rng = stream(day.config.seed, "visits", day.number, block)
        numbers = np.arange(first, min(first + BLOCK, people))
        yield answer_requests(day, pools, rng, draw_requests(day, pools, rng, numbers, people))
    bots = round(people * day.config.breakage.bots)
    for block, first in enumerate(range(0, bots, BLOCK)):
        rng = stream(day.config.seed, "bots", day.number, block)
        numbers = np.arange(first, min(first + BLOCK, bots))
        came = draw_requests(day, pools, rng, numbers, bots, first_bot=people)
        yield answer_requests(day, pools, rng, came)


def count_human_visits(day: Day) -> int:
    """How many come on a day; somebody always does."""
    config = day.config
    usual = config.users * config.rankings_per_user_day / REQUESTS_PER_VISIT
    rng = stream(config.seed, "day", day.number)
    return max(1, int(rng.poisson(usual * traffic(config.seed, day.number))))


def draw_requests(
    day: Day,
    pools: Pools,
    rng: np.random.Generator,
    numbers: Ints,
    total: int,
    first_bot: int | None = None,
) -> Requests:
    """Draw the requests of the visits `numbers` of `total`.

    Where they are bots', `first_bot` is the number of the first of them among all visits.
    """
    came = _arrived(day, rng, numbers, total)
    is_bot = first_bot is not None
    wanted = np.minimum(1 + rng.poisson(REQUESTS_PER_VISIT - 1, numbers.size), MOST_REQUESTS)
    counts = np.full(numbers.size, _BOT_REQUESTS) if is_bot else wanted
    of = np.repeat(np.arange(numbers.size), counts)
    within = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
    visit = numbers[of] + (first_bot or 0)
    user, nobody = came.user[of], np.full(of.size, NOT)
    return Requests(
        request=day.number * PER_DAY + visit * MOST_REQUESTS + within,
        visit=day.number * PER_DAY + visit,
        t=_times(day, rng, came.t[of], within),
        user=nobody if is_bot else user,
        bot=user // _USERS_PER_BOT if is_bot else nobody,
        anonymous=came.anonymous[of] & (not is_bot),
        market=came.market[of],
        device=day.users.device[user],
        focus=came.focus[of],
        **_wishes(day, pools, rng, came.market[of], came.focus[of]),
    )


def _arrived(day: Day, rng: np.random.Generator, numbers: Ints, total: int) -> Visits:
    markets = [MARKETS[name] for name in day.config.markets]
    t, market = arrivals(rng, day.number, numbers, total, markets)
    user = day.users.arriving(market, rng.random(numbers.size))
    focus = _focus(day, market, user, rng.random(numbers.size))
    return Visits(t, market, user, focus, rng.random(numbers.size) < _ANONYMOUS_SHARE)


def _wishes(day: Day, pools: Pools, rng: np.random.Generator, market: Ints, focus: Ints) -> Columns:
    """What each request is for, and how it will be answered."""
    searching, choosing, typing, slicing = rng.random((4, focus.size))
    intent = np.where(searching < _SEARCH_SHARE, day.intents.meant(focus, choosing), NOT)
    randomized = slicing < day.config.randomized_share
    own, random = temperature_of(day), day.config.randomized_temperature
    return {
        "intent": intent,
        "form": np.where(intent >= 0, typed(typing), NOT),
        "pool": pools.number(market, intent, choosing),
        "seed": rng.integers(1 << 63, size=focus.size, dtype=np.uint64),
        "temperature": np.where(randomized, random, own),
        "randomized": randomized,
    }


def answer_requests(day: Day, pools: Pools, rng: np.random.Generator, came: Requests) -> Slates:
    """Rank for the requests, and draw what is looked at, clicked and bought."""
    config = day.config
    candidates, scores = pools.items(came.pool), pools.scores(came.pool, came.user)
    smallest, largest = config.slate
    chosen, propensity = gumbel_top_k(scores, candidates, came.seed, came.temperature, largest)
    shown = np.take_along_axis(candidates, chosen, 1)
    sizes = rng.integers(smallest, largest + 1, size=came.t.size)
    there = (np.arange(largest) < sizes[:, None]) & (shown >= 0)
    shown = np.maximum(shown, 0)
    attraction = _attraction(day, came, shown)
    looks = _looks(day, came, attraction, rng.random((2, *shown.shape)))
    columns = {
        "item": shown,
        "position": np.broadcast_to(np.arange(1, largest + 1), shown.shape),
        "score": np.take_along_axis(scores, chosen, 1),
        "propensity": propensity,
        "attraction": attraction,
        "examination": looks.examination,
        "click_probability": looks.examination * looks.click,
        "examined": looks.examined,
        "clicked": looks.clicked,
    }
    flat: Columns = {name: column[there] for name, column in columns.items()}
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return Slates(**vars(came), **flat, **_followed(day, rng, flat), offsets=offsets)


def _focus(day: Day, market: Ints, user: Ints, uniforms: Floats) -> Ints:
    weights = np.stack(
        [interest(day.config.seed, day.number, MARKETS[name]) for name in day.config.markets]
    )
    cumulative = np.cumsum(day.users.interest[user] * weights[market], axis=1)
    below = cumulative < (uniforms * cumulative[:, -1])[:, None]
    return np.asarray(np.minimum(below.sum(axis=1), cumulative.shape[1] - 1))


def _times(day: Day, rng: np.random.Generator, arrived: Ints, within: Ints) -> Ints:
    """A visit's requests follow each other; none lies beyond midnight."""
    gaps = np.where(within == 0, 0, rng.integers(*_BETWEEN, size=within.size))
    elapsed = np.cumsum(gaps)
    first = np.maximum.accumulate(np.where(within == 0, np.arange(within.size), 0))
    latest = day_start(day.number) + DAY - SECOND
    return np.asarray(np.minimum(arrived + elapsed - elapsed[first], latest))


def _attraction(day: Day, came: Requests, shown: Ints) -> Floats:
    wanted = day.attraction(np.maximum(came.user, 0), came.focus, came.intent, shown)
    return np.where(came.bot[:, None] >= 0, _BOT_CLICKS, wanted)


def _looks(day: Day, came: Requests, attraction: Floats, uniforms: Floats) -> Looks:
    patience = day.users.patience[came.user]
    looks = look(day.config, came.device, patience, attraction, uniforms)
    if not (came.bot >= 0).any():
        return looks
    everything = np.ones(attraction.shape)
    return Looks(everything, attraction, everything > 0, uniforms[1] < attraction)


def _followed(day: Day, rng: np.random.Generator, flat: Columns) -> Columns:
    """Columns of what came of the clicks, zero elsewhere."""
    places = np.flatnonzero(flat["clicked"])
    items = flat["item"][places]
    found = follow(
        flat["attraction"][places],
        day.in_stock[items],
        day.items.quality[items],
        rng.random((DRAWS, places.size)),
    )
    columns: Columns = {}
    for name, values in vars(found).items():
        columns[name] = np.zeros(flat["item"].size, values.dtype)
        columns[name][places] = values
    return columns
