"""The regret of bandits on simulated shoppers, and how they follow a change of taste."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.bandits import Bandit
from training.metrics import Floats
from training.plots import Plot, lines
from training.studies.bandits.play import CONTEXT, Played, play
from training.studies.bandits.shoppers import BANNERS, Shoppers

VISITS_A_DAY = 250
DAYS, SWITCH_DAY = 40, 20
FIRST = 500
"""Decision from which on the slope is measured."""

_OF_ALL: dict[str, Any] = {
    "arms": BANNERS,
    "default": BANNERS[0],
    "context": CONTEXT,
    "prior": (1.0, 9.0),
}
STEADY = {
    "uniform": Bandit("uniform", **_OF_ALL, floor=1 / len(BANNERS)),
    "beta": Bandit("beta", **_OF_ALL),
    "linear": Bandit("linear", **_OF_ALL, model="linear"),
}
CHANGING = {
    "no discount": Bandit("steady", **_OF_ALL),
    "discount .8": Bandit("discounted", **_OF_ALL, discount=0.8, floor=0.02),
}


def regret_slope(regret: Floats) -> float:
    """Return the slope of a line through log cumulative regret over log decisions.

    Args:
        regret: of N decisions, in order.
    """
    at = np.unique(np.geomspace(FIRST, len(regret), 40).astype(int))
    cumulative = np.cumsum(regret)[at - 1]
    return float(np.polyfit(np.log(at), np.log(cumulative), 1)[0])


def bandit_report(seeds: int, days: int = DAYS, visits_a_day: int = VISITS_A_DAY) -> dict[str, Any]:
    """Return the figures of both studies, means over some shops.

    Returns:
        `regret`: bandit → cumulative regret by day, and the log-log slope; `switch`: bandit → share
        of the best banner by day, where the shoppers change before the day in the middle.
    """
    switch = days // 2
    steady = {name: _mean(each, seeds, days, days, visits_a_day) for name, each in STEADY.items()}
    changing = {
        name: _mean(each, seeds, days, switch, visits_a_day) for name, each in CHANGING.items()
    }
    return {
        "seeds": seeds,
        "days": days,
        "visits_a_day": visits_a_day,
        "switch_day": switch,
        "regret": {
            name: {
                "slope": regret_slope(played.regret),
                "by_day": np.cumsum(_by_day(played.regret, days).sum(axis=1)).tolist(),
            }
            for name, played in steady.items()
        },
        "switch": {
            name: _by_day(played.is_best, days).mean(axis=1).tolist()
            for name, played in changing.items()
        },
    }


def bandit_plots(report: Mapping[str, Any]) -> dict[str, Plot]:
    """Return the pictures of a report, by name of their file."""
    at = [str(day) for day in range(1, report["days"] + 1)]
    regret = {name: figures["by_day"] for name, figures in report["regret"].items()}
    return {
        "bandit-regret": lines("regret", "Cumulative regret, in clicks", at, regret, "day"),
        "bandit-switch": lines(
            "switch",
            f"Share of the best banner; the taste changes before day {report['switch_day'] + 1}",
            at,
            report["switch"],
            "day",
        ),
    }


def _mean(bandit: Bandit, seeds: int, days: int, switch: int, visits_a_day: int) -> Played:
    """Return the means of some plays whose shoppers change before day `switch`, from 0."""
    plays = []
    for seed in range(seeds):
        before = Shoppers.draw(seed)
        shoppers = [before] * switch + [before.switched()] * (days - switch)
        plays.append(play(bandit, shoppers, visits_a_day, seed))
    regret, is_best = (
        np.mean([getattr(each, name) for each in plays], axis=0) for name in ("regret", "is_best")
    )
    return Played(regret, is_best)


def _by_day(values: Floats, days: int) -> Floats:
    return values.reshape(days, -1)
