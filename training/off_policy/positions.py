"""Probabilities of items in slots when a page is drawn: Plackett-Luce by the rank before the draw.

A page is drawn from -ln(rank) at a temperature (`serving/ranking/exploration.py`).  This is a race:
the candidate of rank r arrives after an exponential time with rate r ** (-1 / temperature), and the
k-th to arrive is in slot k.
"""

from functools import lru_cache

import numpy as np

from training.metrics import Floats, Ints

_NODES = 240
"""Nodes of the integral over ln(time); twice as many change no probability by 1e-9."""


def drawn_conditional(ranks: Ints, candidates: int, temperature: float) -> Floats:
    """Return the probability of each drawn item given those drawn before it, shape (K,).

    Args:
        ranks: shape (K,), before the draw, from 1.
        candidates: number of items that the draw chose from.
    """
    rates = np.arange(1, candidates + 1) ** (-1 / temperature)
    drawn = rates[ranks - 1]
    before = np.concatenate([[0.0], np.cumsum(drawn)[:-1]])
    return np.asarray(drawn / (rates.sum() - before))


@lru_cache(maxsize=256)
def slot_probabilities(candidates: int, temperature: float, slots: int) -> Floats:
    """Return the probability of each rank in each slot, shape (candidates, slots).

    Rank r is in slot k if it arrives after exactly k - 1 of the others: an integral over its
    arrival time of a Poisson binomial probability.
    """
    rates = np.arange(1, candidates + 1) ** (-1 / temperature)
    logs = np.linspace(np.log(1e-9 / rates.sum()), np.log(50 / rates[-1]), _NODES)
    step, times = logs[1] - logs[0], np.exp(logs)
    arrived = -np.expm1(-np.outer(rates, times))
    counts = np.zeros((candidates, slots, _NODES))
    counts[:, 0] = 1.0
    for other in range(candidates):
        probability = arrived[other]
        changed = counts * (1 - probability)
        changed[:, 1:] += counts[:, :-1] * probability
        changed[other] = counts[other]
        counts = changed
    density = rates[:, None] * times * np.exp(-np.outer(rates, times)) * step
    return np.asarray(np.einsum("rkn,rn->rk", counts, density))
