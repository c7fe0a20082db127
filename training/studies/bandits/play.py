"""A bandit that chooses banners for simulated shoppers, by the code that serves."""

from dataclasses import dataclass

import numpy as np

from feature_repo.online.hydration import AGES
from training.bandits import Bandit, Context, Text, draw, posteriors, win_probabilities, with_floor
from training.metrics import Floats
from training.studies.bandits.shoppers import BANNERS, Shoppers
from training.studies.simulation import DEVICES

CONTEXT = Context((Text("device", DEVICES),))


@dataclass(frozen=True)
class Played:
    """What N decisions cost, and how good they were; of one shop, or of several.

    Attributes:
        regret: shape (..., N): the true rate of the best banner on the device, minus that of the
            chosen one.
        is_best: shape (..., N): whether the chosen one was the best.
    """

    regret: Floats
    is_best: Floats


def play(bandit: Bandit, days: list[Shoppers], visits_a_day: int, seed: int) -> Played:
    """Decide for some visits a day; each shopper clicks, or not, before the next one comes.

    Args:
        bandit: with the context `CONTEXT` and the arms `BANNERS`.
        days: the shoppers of each day.
        visits_a_day: number of decisions.
        seed: of visits and clicks.
    """
    counts = np.zeros((len(CONTEXT.cells), len(BANNERS), 2, AGES + 1), np.int64)
    regret, is_best = [], []
    for day, shoppers in enumerate(days):
        counts = _aged(counts)
        means = shoppers.mean_rates
        users, uniforms = shoppers.visits(seed * len(days) + day, visits_a_day)
        for visit, (user, uniform) in enumerate(zip(users, uniforms, strict=True)):
            device = shoppers.device[user]
            cell = CONTEXT.position({"device": DEVICES[device]})
            of_cell = counts if bandit.model == "linear" else counts[[cell]]
            learned = posteriors(bandit, cell, of_cell.reshape(-1, 2, AGES + 1))
            chances = with_floor(win_probabilities(learned), bandit.floor)
            arm = draw(chances, bandit.name, f"{seed}:{day}:{visit}")
            counts[cell, arm, :, 0] += 1, int(uniform < shoppers.rate[user, arm])
            regret.append(means[device].max() - means[device, arm])
            is_best.append(float(arm == means[device].argmax()))
    return Played(np.array(regret), np.array(is_best))


def _aged(counts: np.ndarray) -> np.ndarray:
    """Return the counts a day later: each is a day older, and the oldest are one sum."""
    aged = np.zeros_like(counts)
    aged[..., 1:] = counts[..., :-1]
    aged[..., -1] += counts[..., -1]
    return aged
