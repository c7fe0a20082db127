"""Carry out what the decision rules of experiments say, where the shop lets them."""

from typing import Any

from feature_repo.home import Home, to_text
from training.experiment_analysis.decision import DecisionRule
from training.experiment_analysis.metrics import METRICS
from training.experiment_analysis.report import experiment_report
from training.experiments import (
    DECISIONS_FILE,
    EXPERIMENTS_FILE,
    Decision,
    Experiments,
    read_decisions,
    write_decisions,
)


def decide_experiments(home: Home, now: int) -> dict[str, Decision]:
    """Stop or ship the experiments whose rule is automatic; return the new decisions.

    A rule reads intervals that hold at any number of looks, so every refresh may decide.

    Args:
        home: its compacted log is read.
        now: µs.

    Raises:
        SettingError: a file or a decision rule is wrong.
    """
    former = read_decisions(home.root / DECISIONS_FILE)
    decisions: dict[str, Decision] = {}
    for experiment in Experiments.load(home.root / EXPERIMENTS_FILE).experiments:
        rule = DecisionRule.of(experiment.decision, experiment.name)
        if rule.automatic and experiment.name not in former:
            decision = decision_of(experiment_report(home, experiment, now), now)
            if decision is not None:
                decisions[experiment.name] = decision
    if decisions:
        write_decisions(home, decisions)
    return decisions


def decision_of(report: dict[str, Any], now: int) -> Decision | None:
    """Return what a report's verdicts decide together; None while the experiment goes on.

    Of several variants to ship, the one with the greatest gain is.  The experiment stops when each
    variant does, and when its figures cannot be trusted: nobody shall stay in it meanwhile.
    """
    verdicts = {each["variant"]: each["verdict"] for each in report["comparisons"]}
    gains = {
        each["variant"]: _gain(report, each)
        for each in report["comparisons"]
        if each["verdict"]["decision"] == "ship"
    }
    at = to_text(now)
    if gains:
        best = max(gains, key=gains.__getitem__)
        return Decision("ship", verdicts[best]["reason"], at, best)
    if all(verdict["decision"] in ("stop", "blocked") for verdict in verdicts.values()):
        return Decision("stop", " ".join(v["reason"] for v in verdicts.values()), at)
    return None


def _gain(report: dict[str, Any], comparison: dict[str, Any]) -> float:
    """Return how much better a variant is than the control."""
    if report["kind"] == "interleaving":
        return float(comparison["surplus"]["value"])
    value = float(comparison["metrics"][report["metric"]]["change"]["value"])
    return -value if METRICS[report["metric"]].is_lower_better else value
