"""Traffic of the simulated shop over time: hours, weekdays, seasons and campaigns."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY, HOUR
from training.metrics import Floats, Ints, stream
from training.studies.simulation.markets import Market
from training.studies.simulation.vocabulary import CATEGORIES

START = 1_767_571_200_000_000
"""2026-01-05T00:00Z, a Monday."""

_FIRST_DAY_OF_YEAR = 5
_HOURS = np.array([0] * 6 + [1, 2, 3, 4, 4, 4, 5, 5, 4, 4, 4, 5, 7, 9, 9, 7, 4, 2], dtype=float)
"""Weight of each local hour; there are no visits before six."""
_WEEKDAYS = (0.95, 0.95, 0.95, 1.0, 1.0, 1.05, 1.1)
_PEAKS = (120, 90, 330, 350, 270, 240, 20, 340, 345, 180)
"""Day of the year when demand for each category peaks, on the northern hemisphere."""
_SEASON = 0.35
_CAMPAIGN_DAYS, _CAMPAIGN_CYCLE = 3, 14
_CAMPAIGN_TRAFFIC, _CAMPAIGN_INTEREST = 1.3, 2.0
CAMPAIGN_PRICE = 0.8
"""Factor on the prices of a campaign's category."""


@dataclass(frozen=True)
class Campaign:
    """A few days of lower prices and more interest in one category."""

    category: int


def day_start(day: int) -> int:
    """Return the first instant of a day; days count from 0."""
    return START + day * DAY


def campaign(seed: int, day: int) -> Campaign | None:
    """Return the campaign of a day, if any: one campaign of three days in each fortnight."""
    cycle, within = divmod(day, _CAMPAIGN_CYCLE)
    rng = stream(seed, "campaign", cycle)
    first = int(rng.integers(_CAMPAIGN_CYCLE - _CAMPAIGN_DAYS + 1))
    category = int(rng.integers(len(CATEGORIES)))
    return Campaign(category) if first <= within < first + _CAMPAIGN_DAYS else None


def traffic(seed: int, day: int) -> float:
    """Return the factor of a day on the mean number of visits."""
    boost = _CAMPAIGN_TRAFFIC if campaign(seed, day) else 1.0
    return _WEEKDAYS[day % 7] * boost


def category_interest(seed: int, day: int, market: Market) -> Floats:
    """Return the seasonal and campaign weight of each category, shape (categories,)."""
    shift = 0 if market.summer_day > 180 else 182
    angle = 2 * np.pi * (day + _FIRST_DAY_OF_YEAR - np.array(_PEAKS) - shift) / 365.25
    weights = np.exp(_SEASON * np.cos(angle))
    if running := campaign(seed, day):
        weights[running.category] *= _CAMPAIGN_INTEREST
    return np.asarray(weights)


def arrivals(
    rng: np.random.Generator, day: int, numbers: Ints, total: int, markets: list[Market]
) -> tuple[Ints, Ints]:
    """Draw instants and markets of the visits `numbers` of the day's `total`, in time order.

    Visit n arrives between the quantiles n / total and (n + 1) / total of the day's arrivals.  So
    blocks of visits can be drawn separately and are still in time order.
    """
    sizes = np.array([market.size for market in markets])
    offsets = [(market.utc_offset_minutes or 0) // 60 for market in markets]
    rates = np.stack([np.roll(_HOURS, -hours) for hours in offsets], axis=1) * (sizes / sizes.sum())
    by_hour = rates.sum(axis=1)
    cumulative = np.concatenate([[0.0], np.cumsum(by_hour) / by_hour.sum()])
    quantiles = (numbers + rng.random(numbers.size)) / total
    hours = np.clip(np.searchsorted(cumulative, quantiles, side="right") - 1, 0, 23)
    within = (quantiles - cumulative[hours]) / np.maximum(by_hour[hours] / by_hour.sum(), 1e-12)
    instants = day_start(day) + ((hours + np.clip(within, 0, 0.999)) * HOUR).astype(np.int64)
    shares = np.cumsum(rates, axis=1)[hours] / np.maximum(by_hour[hours], 1e-12)[:, None]
    market = (rng.random(numbers.size)[:, None] >= shares[:, :-1]).sum(axis=1)
    return instants, market.astype(np.int64)
