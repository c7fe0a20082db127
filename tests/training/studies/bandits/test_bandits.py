"""On simulated shoppers a bandit loses less than chance, and a discounted one follows a change."""

import numpy as np
import pytest

from training.plots import standalone
from training.studies.bandits import bandit_plots, bandit_report
from training.studies.bandits.report import regret_slope, slope_of_shops

DAYS = 18
SHOPS = [(1.0, 0.4), (1.2, 0.5), (0.9, 0.6)]
"""Scale and slope of the cumulative regret of some shops."""


@pytest.fixture(scope="module")
def report():
    """One small shop."""
    return bandit_report(seeds=1, days=DAYS, visits_a_day=60)


def test_a_bandit_has_less_regret_than_chance_and_it_grows_more_slowly(report):
    uniform, beta = report["regret"]["uniform"], report["regret"]["beta"]

    assert uniform["slope"]["500"]["value"] == pytest.approx(1, abs=0.05)
    assert beta["slope"]["500"]["value"] < 0.9
    assert beta["by_day"][-1] < 0.6 * uniform["by_day"][-1]


def test_the_slope_of_shops_lies_in_its_interval():
    at = np.arange(1, 5001)
    regrets = np.array([scale * np.diff(at**power, prepend=0) for scale, power in SHOPS])

    slope = slope_of_shops(regrets, 100)

    assert regret_slope(regrets[0], 100) == pytest.approx(SHOPS[0][1])
    assert slope["low"] < slope["value"] < slope["high"]
    assert slope["low"] > SHOPS[0][1] - 1e-9
    assert slope["high"] < SHOPS[-1][1] + 1e-9


def test_a_discounted_bandit_follows_a_change_of_taste(report):
    switch = report["switch_day"]
    after = {name: sum(shares[switch : switch + 6]) for name, shares in report["switch"].items()}

    assert after["discount .8"] > 1.5 * after["no discount"]


def test_plots_are_files_with_their_own_colours(report):
    plots = bandit_plots(report)

    assert [*plots] == ["bandit-regret", "bandit-switch"]
    for plot in plots.values():
        svg = standalone(plot)
        assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" class="plot"')
        assert ".c1 { stroke:" in svg
