"""The regret of bandits on simulated shoppers, and how they follow a change of taste."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.bandits import Bandit
from training.metrics import Floats, stream
from training.plots import Plot, lines
from training.studies.bandits.play import CONTEXT, Played, play
from training.studies.bandits.shoppers import BANNERS, Shoppers

VISITS_A_DAY = 250
DAYS, SWITCH_DAY = 40, 20
STARTS = (100, 500)
"""Decisions from which on the slope is measured; before the first, every bandit explores."""

_DRAWS = 400
"""Draws of the shops for an interval."""

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


def regret_slope(regret: Floats, start: int) -> float:
    """Return the slope of a line through log cumulative regret over log decisions.

    Args:
        regret: of N decisions, in order.
        start: the first decision of the line.
    """
    at = np.unique(np.geomspace(start, len(regret), 40).astype(int))
    cumulative = np.cumsum(regret)[at - 1]
    return float(np.polyfit(np.log(at), np.log(cumulative), 1)[0])


def slope_of_shops(regrets: Floats, start: int) -> dict[str, float]:
    """Return the slope of the mean regret of S shops, with a 95 % interval that draws shops.

    Args:
        regrets: shape (S, N).
        start: the first decision of the line.
    """
    drawn = stream(0, "slope of shops").integers(len(regrets), size=(_DRAWS, len(regrets)))
    slopes = [regret_slope(regrets[shops].mean(axis=0), start) for shops in drawn]
    low, high = np.quantile(slopes, [0.025, 0.975])
    value = regret_slope(regrets.mean(axis=0), start)
    return {"value": value, "low": float(low), "high": float(high)}


def bandit_report(seeds: int, days: int = DAYS, visits_a_day: int = VISITS_A_DAY) -> dict[str, Any]:
    """Return the figures of both studies, means over some shops.

    Returns:
        `regret`: bandit → cumulative regret by day, and the log-log slope by its first decision;
        `switch`: bandit → share of the best banner by day, where the shoppers change before the day
        in the middle.
    """
    switch = days // 2
    steady = {name: _plays(each, seeds, days, days, visits_a_day) for name, each in STEADY.items()}
    changing = {
        name: _plays(each, seeds, days, switch, visits_a_day) for name, each in CHANGING.items()
    }
    return {
        "seeds": seeds,
        "days": days,
        "visits_a_day": visits_a_day,
        "switch_day": switch,
        "regret": {
            name: {
                "slope": {
                    str(start): slope_of_shops(played.regret, start)
                    for start in STARTS
                    if start < days * visits_a_day / 2
                },
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


def _plays(bandit: Bandit, seeds: int, days: int, switch: int, visits_a_day: int) -> Played:
    """Return the plays in S shops, whose shoppers change before day `switch`; shape (S, N)."""
    plays = []
    for seed in range(seeds):
        before = Shoppers.draw(seed)
        shoppers = [before] * switch + [before.switched()] * (days - switch)
        plays.append(play(bandit, shoppers, visits_a_day, seed))
    return Played(
        np.array([each.regret for each in plays]), np.array([each.is_best for each in plays])
    )


def _by_day(values: Floats, days: int) -> Floats:
    """Return the mean over shops of each decision; shape (days, visits)."""
    return np.asarray(values.mean(axis=0)).reshape(days, -1)
