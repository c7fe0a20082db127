"""What follows a click: time on the page, a cart, an order after a while, perhaps a return."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY, MINUTE
from training.metrics import Bools, Floats, Ints

_CART, _ORDER = 0.5, 0.6
_USUAL_DWELL, _DWELL_OF_ATTRACTION, _DWELL_SPREAD = 12.0, 1.5, 0.6
_LONGEST_DWELL = 1800.0
_AT_ONCE, _AT_ONCE_DELAY, _LATER_DELAY = 0.75, 4 * MINUTE, 1 * DAY
_LONGEST_ORDER_DELAY = 7 * DAY
_RETURN_BASE, _RETURN_OF_QUALITY = -2.0, -0.8
_FIRST_RETURN, _LAST_RETURN = 2 * DAY, 14 * DAY

LONGEST = _LONGEST_ORDER_DELAY + _LAST_RETURN
"""No order or return comes later than this after its click, but for minutes."""
DRAWS = 7
"""Uniforms that each click needs."""


@dataclass(frozen=True)
class Outcomes:
    """What became of c clicks; columns as in `Slates`."""

    dwell: Floats
    carted: Bools
    ordered: Bools
    order_delay: Ints
    returned: Bools
    return_delay: Ints


def cart_rate(attraction: Floats, in_stock: Bools) -> Floats:
    """Probability that a click leads to a cart."""
    return np.asarray(_CART * attraction * in_stock)


def order_rate(attraction: Floats, in_stock: Bools) -> Floats:
    """Probability that a click leads to an order."""
    return _ORDER * cart_rate(attraction, in_stock)


def return_rate(quality: Floats) -> Floats:
    """Probability that what was ordered comes back."""
    return np.asarray(1 / (1 + np.exp(-_RETURN_BASE - _RETURN_OF_QUALITY * quality)))


def follow(attraction: Floats, in_stock: Bools, quality: Floats, uniforms: Floats) -> Outcomes:
    """Draw what becomes of c clicks; `uniforms` has shape (DRAWS, c)."""
    normal = np.sqrt(-2 * np.log1p(-uniforms[0])) * np.cos(2 * np.pi * uniforms[1])
    dwell = np.exp(
        np.log(_USUAL_DWELL) + _DWELL_OF_ATTRACTION * attraction + _DWELL_SPREAD * normal
    )
    carted = uniforms[2] < cart_rate(attraction, in_stock)
    ordered = carted & (uniforms[3] < _ORDER)
    returned = ordered & (uniforms[5] < return_rate(quality))
    later = _FIRST_RETURN + uniforms[6] * (_LAST_RETURN - _FIRST_RETURN)
    return Outcomes(
        dwell=np.minimum(dwell, _LONGEST_DWELL),
        carted=carted,
        ordered=ordered,
        order_delay=np.where(ordered, _order_delay(uniforms[4]), 0),
        returned=returned,
        return_delay=np.where(returned, later, 0).astype(np.int64),
    )


def _order_delay(uniforms: Floats) -> Ints:
    """Most order at once, the others sleep on it: a mixture of two exponentials, by inversion."""
    at_once = uniforms < _AT_ONCE
    within = np.where(at_once, uniforms / _AT_ONCE, (uniforms - _AT_ONCE) / (1 - _AT_ONCE))
    delay = np.where(at_once, _AT_ONCE_DELAY, _LATER_DELAY) * -np.log1p(-within)
    return np.asarray(1 + np.minimum(delay, _LONGEST_ORDER_DELAY - 1).astype(np.int64))
