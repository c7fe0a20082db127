"""The report of an interleaving: wins of both variants, a sign test, and a verdict."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from feature_repo.home import Home, SettingError, to_text
from training.experiment_analysis.decision import DecisionRule, Gain, Verdict
from training.experiment_analysis.power import normal_distance
from training.experiment_analysis.preference import TUNED_UNITS, Preference, sign_test
from training.experiment_analysis.sample_ratio import MISMATCH_P
from training.experiment_analysis.wins import Wins
from training.experiments import Experiment
from training.metrics import without_nan

_RULE = ("minimum_effect", "units", "automatic")

NOTES = (
    "A unit is won by the variant whose items got more of its clicks, each item and request once.",
    "The surplus is (wins - losses) / (wins + losses): 0 if the rankers are equally good.",
    "95 % intervals by the exact sign test; the verdict reads a confidence sequence, which holds "
    "at any number of looks.",
    "Both variants share each page, so orders and revenue belong to neither: an A/B test compares "
    "them.",
)


def interleaving_report(home: Home, experiment: Experiment, now: int) -> dict[str, Any]:
    """Compare the candidate, the second variant, with the control.

    Args:
        home: its compacted log is read, so the report is of the last refresh.
        now: µs; an experiment whose end is before it has ended.

    Raises:
        SettingError: the experiment's decision rule is wrong, or one for A/B tests.
    """
    rule = _rule(experiment)
    end = experiment.occasion.end
    has_ended = end is not None and end <= now
    wins = Wins.of_log(home, experiment)
    control, candidate = (variant.name for variant in experiment.variants)
    preference = Preference.of(wins.total["wins"], wins.total["losses"], rule.units)
    p = float(sign_test(*wins.first))
    verdict = (
        _blocked(wins.first, p)
        if p < MISMATCH_P
        else _verdict(rule, candidate, preference, has_ended=has_ended)
    )
    report = {
        "experiment": experiment.name,
        "kind": experiment.kind,
        "unit": experiment.unit,
        "variants": [control, candidate],
        "exposed": None if wins.exposed is None else [to_text(at) for at in wins.exposed],
        "has_ended": has_ended,
        "first_position": {
            control: wins.first[0],
            candidate: wins.first[1],
            "p_value": p,
            "is_mismatch": p < MISMATCH_P,
        },
        "comparisons": [
            {
                "variant": candidate,
                "verdict": asdict(verdict),
                **_part(wins.total, rule),
                "segments": {
                    f"market {name}": _part(row, rule) for name, row in wins.by_market.items()
                },
                "days": {name: _part(row, rule) for name, row in wins.by_day.items()},
                "plan": _plan(rule, wins.total),
            }
        ],
        "notes": [*NOTES],
    }
    finite: dict[str, Any] = without_nan(report)
    return finite


def _rule(experiment: Experiment) -> DecisionRule:
    others = sorted(experiment.decision.keys() - {*_RULE})
    if others:
        raise SettingError(
            f"experiment {experiment.name!r}.decision: expected only {', '.join(_RULE)}, found "
            f"{', '.join(others)}. Both variants of an interleaving share each page, so only "
            "clicks compare them."
        )
    return DecisionRule.of({"units": TUNED_UNITS, **experiment.decision}, experiment.name)


def _part(row: Mapping[str, int], rule: DecisionRule) -> dict[str, Any]:
    """Return the counts of some units, and what they preferred."""
    preference = Preference.of(row["wins"], row["losses"], rule.units)
    ties = row["units"] - row["wins"] - row["losses"]
    return {**row, "ties": ties, "surplus": asdict(preference)}


def _plan(rule: DecisionRule, total: Mapping[str, int]) -> dict[str, Any]:
    """Return the smallest surplus that the units find with 80 % power, and the units it needs.

    A decided unit is 1 or -1, so the variance of the surplus is at most 1 / decided units.
    """
    decided = total["wins"] + total["losses"]
    if not decided:
        return {"smallest_surplus": None, "units": None}
    smallest = min(normal_distance() / decided**0.5, 1.0)
    if not rule.minimum_effect:
        return {"smallest_surplus": smallest, "units": None}
    needed = (normal_distance() / rule.minimum_effect) ** 2 * total["units"] / decided
    return {"smallest_surplus": smallest, "units": needed}


def _verdict(
    rule: DecisionRule, candidate: str, preference: Preference, *, has_ended: bool
) -> Verdict:
    """Apply the rule to the surplus of wins."""
    gain = Gain(preference.value, preference.always_low, preference.always_high)
    needed = rule.minimum_effect
    span = f"{gain.value:+.1%} ({gain.low:+.1%} to {gain.high:+.1%} at any time)"
    surplus = f"the surplus of wins of {candidate} is {span}"
    if preference.wins + preference.losses == 0:
        surplus = "no unit has clicked an item of one variant alone"
    elif gain.high < needed or gain.high <= 0:
        limit = f"the minimum effect of {needed:.1%}" if needed else "zero"
        return Verdict("stop", f"Below {limit}: {surplus}.")
    elif gain.low > 0 and gain.value >= needed:
        return Verdict("ship", f"{surplus[0].upper()}{surplus[1:]}.")
    if has_ended:
        return Verdict("stop", f"The experiment has ended without a proof: {surplus}.")
    return Verdict("go on", f"Nothing is proven yet: {surplus}.")


def _blocked(first: tuple[int, int], p: float) -> Verdict:
    return Verdict(
        "blocked",
        f"The first position went to the variants on {first[0]} and {first[1]} pages, which a fair "
        f"coin does not explain (p = {p:.1g}): answers of one outcome are lost. Find the cause and "
        "start again under another name; no figure of this report can be trusted.",
    )
