"""How far down a slate people look, and what they click: three click models.

pbm      Each position is examined with a probability of its own, which falls as a power of the
         position and depends on the device (Richardson, Dominowska and Ragno, WWW 2007).
cascade  From the top down, until the first click or until patience ends (Craswell, Zoeter, Taylor
         and Ramsey, WSDM 2008).
dbn      As cascade, but a click that does not satisfy lets the shopper go on (Chapelle and Zhang,
         WWW 2009).

Trust bias: of what was examined, some is clicked because of where it stands (Agarwal, Wang, Li,
Bendersky and Najork, WWW 2019).
"""

from dataclasses import dataclass

import numpy as np

from training.metrics import Bools, Floats, Ints
from training.studies.simulation.configuration import ShopConfig

_DEVICE_BIAS = np.array([1.3, 1.0, 0.8])
"""Factor on the bias: a phone shows fewer items at once than a desktop."""
_WEARINESS = 0.15
"""Share of those who go on that each position loses, for a bias of 1, in cascade and dbn."""
_LEAST_SATISFYING, _MORE_SATISFYING = 0.25, 0.5


@dataclass(frozen=True)
class Looks:
    """What was examined and clicked; each of shape (R, K).

    Attributes:
        examination: probability of being examined, given the slate.
        click: probability of a click, once examined.
        examined, clicked: what happened.
    """

    examination: Floats
    click: Floats
    examined: Bools
    clicked: Bools


def curve(config: ShopConfig, devices: Ints, k: int) -> Floats:
    """Shape (R, k): the examination probability of each position in "pbm"."""
    fall = config.bias * _DEVICE_BIAS[devices]
    return np.asarray(np.arange(1, k + 1.0) ** -fall[:, None])


def click_once_examined(config: ShopConfig, attraction: Floats) -> Floats:
    """Shape (R, K): attraction, raised by trust in high positions."""
    doubt = config.trust / np.arange(1, attraction.shape[1] + 1.0)
    return attraction + (1 - attraction) * doubt


def examination(config: ShopConfig, devices: Ints, patience: Floats, attraction: Floats) -> Floats:
    """Shape (R, K): how likely each position is examined, given a slate's attractions.

    Exact, for any slate; devices and patience have shape (R,).
    """
    if config.click_model == "pbm":
        return curve(config, devices, attraction.shape[1])
    going_on = _persistence(config, devices, patience)[:, None] * _unsatisfied(config, attraction)
    reached = np.cumprod(going_on, axis=1)
    return np.concatenate([np.ones((len(devices), 1)), reached[:, :-1]], axis=1)


def look(
    config: ShopConfig, devices: Ints, patience: Floats, attraction: Floats, uniforms: Floats
) -> Looks:
    """Draw what is examined and clicked; uniforms have shape (2, R, K)."""
    expected = examination(config, devices, patience, attraction)
    click = click_once_examined(config, attraction)
    if config.click_model == "pbm":
        examined = uniforms[0] < expected
    else:
        examined = _walk(config, _persistence(config, devices, patience), attraction, uniforms)
    return Looks(expected, click, examined, examined & (uniforms[1] < click))


def _walk(config: ShopConfig, persistence: Floats, attraction: Floats, uniforms: Floats) -> Bools:
    """From the top down; one uniform decides on both patience and satisfaction."""
    click = click_once_examined(config, attraction)
    satisfaction = _satisfaction(config, attraction)
    there = np.ones(attraction.shape, bool)
    for place in range(attraction.shape[1] - 1):
        clicked = uniforms[1][:, place] < click[:, place]
        left = persistence * np.where(clicked, 1 - satisfaction[:, place], 1.0)
        there[:, place + 1] = there[:, place] & (uniforms[0][:, place] < left)
    return there


def _persistence(config: ShopConfig, devices: Ints, patience: Floats) -> Floats:
    return np.asarray(np.exp(-_WEARINESS * config.bias * _DEVICE_BIAS[devices] / patience))


def _satisfaction(config: ShopConfig, attraction: Floats) -> Floats:
    if config.click_model == "cascade":
        return np.ones_like(attraction)
    return _LEAST_SATISFYING + _MORE_SATISFYING * attraction


def _unsatisfied(config: ShopConfig, attraction: Floats) -> Floats:
    click = click_once_examined(config, attraction)
    return np.asarray(1 - click * _satisfaction(config, attraction))
