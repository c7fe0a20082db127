"""Three click models: which positions of a slate a user examines and clicks.

pbm      Position-based model: each position is examined independently, with a probability that
         falls as a power of the position and depends on the device (Richardson, Dominowska and
         Ragno, WWW 2007).
cascade  Users examine from the top down, until the first click or until their patience ends
         (Craswell, Zoeter, Taylor and Ramsey, WSDM 2008).
dbn      Dynamic Bayesian network: as cascade, but users continue after a click that does not
         satisfy them (Chapelle and Zhang, WWW 2009).

With trust bias, users click some examined items only because of their high position (Agarwal, Wang,
Li, Bendersky and Najork, WWW 2019).
"""

from dataclasses import dataclass

import numpy as np

from training.metrics import Bools, Floats, Ints
from training.studies.simulation.configuration import ShopConfig

_DEVICE_BIAS = np.array([1.3, 1.0, 0.8])
"""Factor on the bias by device: a phone shows fewer items at a time than a desktop."""
_ABANDONMENT = 0.15
"""Rate of leaving after each position in cascade and dbn, for a bias of 1."""
_MIN_SATISFACTION, _ATTRACTION_SATISFACTION = 0.25, 0.5


@dataclass(frozen=True)
class Clicks:
    """Examination and clicks of R slates of K positions; each of shape (R, K).

    Attributes:
        examination: probability that the position is examined, given the slate.
        click: probability of a click on the position if examined.
        examined, clicked: the outcomes drawn.
    """

    examination: Floats
    click: Floats
    examined: Bools
    clicked: Bools


def position_curve(config: ShopConfig, devices: Ints, k: int) -> Floats:
    """Return the examination probability of each position in "pbm", shape (R, k)."""
    fall = config.bias * _DEVICE_BIAS[devices]
    return np.asarray(np.arange(1, k + 1.0) ** -fall[:, None])


def click_if_examined(config: ShopConfig, attraction: Floats) -> Floats:
    """Return the click probability of examined items: attraction plus trust bias, shape (R, K)."""
    trust = config.trust / np.arange(1, attraction.shape[1] + 1.0)
    return attraction + (1 - attraction) * trust


def examination(config: ShopConfig, devices: Ints, patience: Floats, attraction: Floats) -> Floats:
    """Return the exact examination probability of each position of any slates, shape (R, K).

    `attraction` has shape (R, K); `devices` and `patience` have shape (R,).
    """
    if config.click_model == "pbm":
        return position_curve(config, devices, attraction.shape[1])
    # The next position is examined if this one was, and patience and dissatisfaction last.
    continuation = _persistence(config, devices, patience)[:, None] * _unsatisfied(
        config, attraction
    )
    reached = np.cumprod(continuation, axis=1)
    return np.concatenate([np.ones((len(devices), 1)), reached[:, :-1]], axis=1)


def draw_clicks(
    config: ShopConfig, devices: Ints, patience: Floats, attraction: Floats, uniforms: Floats
) -> Clicks:
    """Draw examination and clicks; `uniforms` has shape (2, R, K)."""
    expected = examination(config, devices, patience, attraction)
    click = click_if_examined(config, attraction)
    if config.click_model == "pbm":
        examined = uniforms[0] < expected
    else:
        examined = _examine_in_order(
            config, _persistence(config, devices, patience), attraction, uniforms
        )
    return Clicks(expected, click, examined, examined & (uniforms[1] < click))


def _examine_in_order(
    config: ShopConfig, persistence: Floats, attraction: Floats, uniforms: Floats
) -> Bools:
    """Draw examination from the top down; one uniform decides both patience and satisfaction."""
    click = click_if_examined(config, attraction)
    satisfaction = _satisfaction(config, attraction)
    examined = np.ones(attraction.shape, bool)
    for k in range(attraction.shape[1] - 1):
        clicked = uniforms[1][:, k] < click[:, k]
        continuation = persistence * np.where(clicked, 1 - satisfaction[:, k], 1.0)
        examined[:, k + 1] = examined[:, k] & (uniforms[0][:, k] < continuation)
    return examined


def _persistence(config: ShopConfig, devices: Ints, patience: Floats) -> Floats:
    return np.asarray(np.exp(-_ABANDONMENT * config.bias * _DEVICE_BIAS[devices] / patience))


def _satisfaction(config: ShopConfig, attraction: Floats) -> Floats:
    if config.click_model == "cascade":
        return np.ones_like(attraction)
    return _MIN_SATISFACTION + _ATTRACTION_SATISFACTION * attraction


def _unsatisfied(config: ShopConfig, attraction: Floats) -> Floats:
    click = click_if_examined(config, attraction)
    return np.asarray(1 - click * _satisfaction(config, attraction))
