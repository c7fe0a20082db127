"""Simulate the visits of a day, block by block: users, requests, slates, clicks and outcomes.

A visit is a session of one user or bot with one or more requests.  Each block has its own random
stream, so a day needs little memory for any number of visits and is the same in every process.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY, SECOND
from training.metrics import Bools, Floats, Ints, gumbel_top_k, stream
from training.studies.simulation.calendar import arrivals, category_interest, day_start, traffic
from training.studies.simulation.click_models import Clicks, draw_clicks
from training.studies.simulation.day import Day
from training.studies.simulation.intents import draw_forms
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.outcomes import DRAWS, draw_outcomes
from training.studies.simulation.policies import Pools, temperature_of
from training.studies.simulation.slates import NONE, Requests, Slates

BLOCK = 2048
"""Visits per block."""
REQUESTS_PER_VISIT, MAX_REQUESTS = 1.8, 16
PER_DAY = 10**10
"""Request numbers of day d begin at d * PER_DAY."""

_SEARCH_SHARE = 0.5
_ANONYMOUS_SHARE = 0.04
_GAP = (120 * SECOND, 600 * SECOND)
"""Time between two requests of a visit."""
_BOT_CLICK_RATE, _BOT_REQUESTS = 0.5, 10
_USERS_PER_BOT = 1000

Columns = dict[str, Any]


@dataclass(frozen=True)
class Visits:
    """V visits; columns as in `Requests`."""

    t: Ints
    market: Ints
    user: Ints
    focus: Ints
    anonymous: Bools


def slate_blocks(day: Day) -> Iterator[Slates]:
    """Yield all slates of a day: first humans', then bots', each in order of arrival."""
    pools, humans = Pools(day), count_human_visits(day)
    for block, first in enumerate(range(0, humans, BLOCK)):
        rng = stream(day.config.seed, "visits", day.number, block)
        numbers = np.arange(first, min(first + BLOCK, humans))
        yield answer_requests(day, pools, rng, draw_requests(day, pools, rng, numbers, humans))
    bots = round(humans * day.config.breakage.bots)
    for block, first in enumerate(range(0, bots, BLOCK)):
        rng = stream(day.config.seed, "bots", day.number, block)
        numbers = np.arange(first, min(first + BLOCK, bots))
        requests = draw_requests(day, pools, rng, numbers, bots, first_bot=humans)
        yield answer_requests(day, pools, rng, requests)


def count_human_visits(day: Day) -> int:
    """Draw the number of human visits of a day; at least one."""
    config = day.config
    mean = config.users * config.rankings_per_user_day / REQUESTS_PER_VISIT
    rng = stream(config.seed, "day", day.number)
    return max(1, int(rng.poisson(mean * traffic(config.seed, day.number))))


def draw_requests(
    day: Day,
    pools: Pools,
    rng: np.random.Generator,
    numbers: Ints,
    total: int,
    first_bot: int | None = None,
) -> Requests:
    """Draw the requests of the visits `numbers` of `total`.

    Visits of bots have numbers from `first_bot` on; None for visits of humans.
    """
    visits = _draw_visits(day, rng, numbers, total)
    is_bot = first_bot is not None
    human_counts = np.minimum(1 + rng.poisson(REQUESTS_PER_VISIT - 1, numbers.size), MAX_REQUESTS)
    counts = np.full(numbers.size, _BOT_REQUESTS) if is_bot else human_counts
    # For each request: the row of its visit, and its number in that visit.
    visit_row = np.repeat(np.arange(numbers.size), counts)
    number_in_visit = np.arange(visit_row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    visit = numbers[visit_row] + (first_bot or 0)
    user, none = visits.user[visit_row], np.full(visit_row.size, NONE)
    return Requests(
        request=day.number * PER_DAY + visit * MAX_REQUESTS + number_in_visit,
        visit=day.number * PER_DAY + visit,
        t=_request_times(day, rng, visits.t[visit_row], number_in_visit),
        user=none if is_bot else user,
        bot=user // _USERS_PER_BOT if is_bot else none,
        anonymous=visits.anonymous[visit_row] & (not is_bot),
        market=visits.market[visit_row],
        device=day.users.device[user],
        focus=visits.focus[visit_row],
        **_intents_and_pools(day, pools, rng, visits.market[visit_row], visits.focus[visit_row]),
    )


def _draw_visits(day: Day, rng: np.random.Generator, numbers: Ints, total: int) -> Visits:
    markets = [MARKETS[name] for name in day.config.markets]
    arrival, market = arrivals(rng, day.number, numbers, total, markets)
    user = day.users.draw(market, rng.random(numbers.size))
    focus = _draw_focus(day, market, user, rng.random(numbers.size))
    return Visits(arrival, market, user, focus, rng.random(numbers.size) < _ANONYMOUS_SHARE)


def _intents_and_pools(
    day: Day, pools: Pools, rng: np.random.Generator, market: Ints, focus: Ints
) -> Columns:
    """Draw the intent of each request, its query form, candidate pool and ranking noise."""
    searching, choosing, typing, randomizing = rng.random((4, focus.size))
    intent = np.where(searching < _SEARCH_SHARE, day.intents.draw(focus, choosing), NONE)
    randomized = randomizing < day.config.randomized_share
    normal, high = temperature_of(day), day.config.randomized_temperature
    return {
        "intent": intent,
        "form": np.where(intent >= 0, draw_forms(typing), NONE),
        "pool": pools.number(market, intent, choosing),
        "seed": rng.integers(1 << 63, size=focus.size, dtype=np.uint64),
        "temperature": np.where(randomized, high, normal),
        "randomized": randomized,
    }


def answer_requests(day: Day, pools: Pools, rng: np.random.Generator, requests: Requests) -> Slates:
    """Rank the candidates of the requests, and draw examination, clicks and outcomes."""
    config = day.config
    candidates = pools.items(requests.pool)
    scores = pools.scores(requests.pool, requests.user)
    smallest, largest = config.slate
    ranked, propensity = gumbel_top_k(
        scores, candidates, requests.seed, requests.temperature, largest
    )
    items = np.take_along_axis(candidates, ranked, 1)
    sizes = rng.integers(smallest, largest + 1, size=requests.t.size)
    shown = (np.arange(largest) < sizes[:, None]) & (items >= 0)
    items = np.maximum(items, 0)
    attraction = attraction_of(day, requests, items)
    clicks = clicks_of(day, requests, attraction, rng.random((2, *items.shape)))
    columns = {
        "item": items,
        "position": np.broadcast_to(np.arange(1, largest + 1), items.shape),
        "score": np.take_along_axis(scores, ranked, 1),
        "propensity": propensity,
        "attraction": attraction,
        "examination": clicks.examination,
        "click_probability": clicks.examination * clicks.click,
        "examined": clicks.examined,
        "clicked": clicks.clicked,
    }
    flat: Columns = {name: column[shown] for name, column in columns.items()}
    offsets = np.concatenate([[0], np.cumsum(shown.sum(axis=1))])
    return Slates(**vars(requests), **flat, **_outcomes(day, rng, flat), offsets=offsets)


def _draw_focus(day: Day, market: Ints, user: Ints, uniforms: Floats) -> Ints:
    weights = np.stack(
        [
            category_interest(day.config.seed, day.number, MARKETS[name])
            for name in day.config.markets
        ]
    )
    cumulative = np.cumsum(day.users.interest[user] * weights[market], axis=1)
    below = cumulative < (uniforms * cumulative[:, -1])[:, None]
    return np.asarray(np.minimum(below.sum(axis=1), cumulative.shape[1] - 1))


def _request_times(
    day: Day, rng: np.random.Generator, arrived: Ints, number_in_visit: Ints
) -> Ints:
    """Draw the times of requests: in order within a visit, and before midnight."""
    gaps = np.where(number_in_visit == 0, 0, rng.integers(*_GAP, size=number_in_visit.size))
    # Running sum of the gaps per visit: subtract the sum at the visit's first request.
    elapsed = np.cumsum(gaps)
    first = np.maximum.accumulate(
        np.where(number_in_visit == 0, np.arange(number_in_visit.size), 0)
    )
    latest = day_start(day.number) + DAY - SECOND
    return np.asarray(np.minimum(arrived + elapsed - elapsed[first], latest))


def attraction_of(day: Day, requests: Requests, items: Ints) -> Floats:
    """Return the chance that each examined item is clicked, shape (R, K); bots like them alike."""
    users = np.maximum(requests.user, 0)
    attraction = day.attraction(users, requests.focus, requests.intent, items)
    return np.where(requests.bot[:, None] >= 0, _BOT_CLICK_RATE, attraction)


def clicks_of(day: Day, requests: Requests, attraction: Floats, uniforms: Floats) -> Clicks:
    """Draw clicks; bots, which have separate blocks, examine every position."""
    if (requests.bot >= 0).any():
        examined = np.ones(attraction.shape)
        return Clicks(examined, attraction, examined > 0, uniforms[1] < attraction)
    patience = day.users.patience[requests.user]
    return draw_clicks(day.config, requests.device, patience, attraction, uniforms)


def _outcomes(day: Day, rng: np.random.Generator, flat: Columns) -> Columns:
    """Draw the outcomes of the clicks; zero for impressions without a click."""
    clicked = np.flatnonzero(flat["clicked"])
    items = flat["item"][clicked]
    outcomes = draw_outcomes(
        flat["attraction"][clicked],
        day.in_stock[items],
        day.items.quality[items],
        rng.random((DRAWS, clicked.size)),
    )
    columns: Columns = {}
    for name, values in vars(outcomes).items():
        columns[name] = np.zeros(flat["item"].size, values.dtype)
        columns[name][clicked] = values
    return columns
