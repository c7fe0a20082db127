"""Outcomes of clicks: dwell time, carts, delayed orders, and returns."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY, MINUTE
from training.metrics import Bools, Floats, Ints

_CART, _ORDER = 0.5, 0.6
_MEDIAN_DWELL, _DWELL_OF_ATTRACTION, _DWELL_SPREAD = 12.0, 1.5, 0.6
_MAX_DWELL = 1800.0
_SOON, _SOON_DELAY, _LATER_DELAY = 0.75, 4 * MINUTE, 1 * DAY
_MAX_ORDER_DELAY = 7 * DAY
_RETURN_BASE, _RETURN_OF_QUALITY = -2.0, -0.8
_MIN_RETURN_DELAY, _MAX_RETURN_DELAY = 2 * DAY, 14 * DAY

DRAWS = 7
"""Number of uniforms per click."""


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of c clicks; columns as in `Slates`."""

    dwell: Floats
    carted: Bools
    ordered: Bools
    order_delay: Ints
    returned: Bools
    return_delay: Ints


def cart_rate(attraction: Floats, in_stock: Bools) -> Floats:
    """Return the probability that a click leads to a cart."""
    return np.asarray(_CART * attraction * in_stock)


def order_rate(attraction: Floats, in_stock: Bools) -> Floats:
    """Return the probability that a click leads to an order."""
    return _ORDER * cart_rate(attraction, in_stock)


def return_rate(quality: Floats) -> Floats:
    """Return the probability that an order is returned."""
    return np.asarray(1 / (1 + np.exp(-_RETURN_BASE - _RETURN_OF_QUALITY * quality)))


def draw_outcomes(
    attraction: Floats, in_stock: Bools, quality: Floats, uniforms: Floats
) -> Outcomes:
    """Draw the outcomes of c clicks; `uniforms` has shape (DRAWS, c)."""
    # Box-Muller: two uniforms make one normal.
    normal = np.sqrt(-2 * np.log1p(-uniforms[0])) * np.cos(2 * np.pi * uniforms[1])
    dwell = np.exp(
        np.log(_MEDIAN_DWELL) + _DWELL_OF_ATTRACTION * attraction + _DWELL_SPREAD * normal
    )
    carted = uniforms[2] < cart_rate(attraction, in_stock)
    ordered = carted & (uniforms[3] < _ORDER)
    returned = ordered & (uniforms[5] < return_rate(quality))
    later = _MIN_RETURN_DELAY + uniforms[6] * (_MAX_RETURN_DELAY - _MIN_RETURN_DELAY)
    return Outcomes(
        dwell=np.minimum(dwell, _MAX_DWELL),
        carted=carted,
        ordered=ordered,
        order_delay=np.where(ordered, _order_delay(uniforms[4]), 0),
        returned=returned,
        return_delay=np.where(returned, later, 0).astype(np.int64),
    )


def _order_delay(uniforms: Floats) -> Ints:
    """Draw a mixture of two exponentials by inversion: most users order soon, others days later."""
    soon = uniforms < _SOON
    within = np.where(soon, uniforms / _SOON, (uniforms - _SOON) / (1 - _SOON))
    delay = np.where(soon, _SOON_DELAY, _LATER_DELAY) * -np.log1p(-within)
    return np.asarray(1 + np.minimum(delay, _MAX_ORDER_DELAY - 1).astype(np.int64))
