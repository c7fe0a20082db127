"""Bandits: which arm a request gets, learned from decisions and rewards."""

from training.bandits.bandit import Bandit
from training.bandits.context import Context, Feature, Text
from training.bandits.declaration import BANDITS_FILE, Bandits
from training.bandits.posterior import posteriors
from training.bandits.selection import draw, win_probabilities, with_floor

__all__ = [
    "BANDITS_FILE",
    "Bandit",
    "Bandits",
    "Context",
    "Feature",
    "Text",
    "draw",
    "posteriors",
    "win_probabilities",
    "with_floor",
]
