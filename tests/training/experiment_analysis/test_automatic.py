"""A refresh carries out the decision rules that are automatic, once, and no other."""

import pytest

from feature_repo.home import Home
from tests.training.experiment_analysis.experiment_log import NAME, simulated_log
from training.experiment_analysis import decide_experiments
from training.experiments import DECISIONS_FILE, read_decisions, write_decisions

TOML = f"""
[[experiment]]
name = "{NAME}"
unit = "user"
from = 2026-03-01T00:00:00Z

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "candidate"
diversity = 0.5

[experiment.decision]
metric = "click_rate"
units = 400
automatic = true
"""


@pytest.fixture
def decided(tmp_path):
    """Return the decisions on a log, and the home."""

    def decide(toml=TOML, **log):
        home = simulated_log(Home(tmp_path / "home"), **log)
        (home.root / "experiments.toml").write_text(toml)
        return decide_experiments(home, END), home

    return decide


END = 1_772_900_000_000_000
"""A week after the start, in µs."""


def test_a_canary_that_is_better_goes_to_everyone(decided):
    decisions, home = decided(rates=(0.1, 0.15))

    assert (decisions[NAME].outcome, decisions[NAME].variant) == ("ship", "candidate")
    assert read_decisions(home.root / DECISIONS_FILE) == decisions
    assert decide_experiments(home, END) == {}


def test_a_canary_that_turns_bad_is_stopped(decided):
    decisions, _ = decided(rates=(0.15, 0.1))

    assert (decisions[NAME].outcome, decisions[NAME].variant) == ("stop", "")
    assert "below zero" in decisions[NAME].reason


def test_a_canary_that_loses_its_units_is_stopped(decided):
    decisions, _ = decided(rates=(0.1, 0.1), lost=0.5)

    assert decisions[NAME].outcome == "stop"
    assert "no figure of this report can be trusted" in decisions[NAME].reason


def test_a_canary_without_a_difference_goes_on(decided):
    decisions, home = decided(rates=(0.1, 0.1))

    assert decisions == {}
    assert not (home.root / DECISIONS_FILE).exists()


def test_a_rule_that_is_not_automatic_decides_nothing(decided):
    assert decided(TOML.replace("automatic = true", ""), rates=(0.1, 0.15))[0] == {}


def test_an_undone_decision_is_made_again_only_by_the_rule(decided):
    decisions, home = decided(rates=(0.1, 0.15))

    write_decisions(home, {NAME: None})

    assert read_decisions(home.root / DECISIONS_FILE) == {}
    assert decide_experiments(home, END) == decisions
