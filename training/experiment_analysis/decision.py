"""The decision rule of an experiment, and the verdict that it gives.

    [experiment.decision]
    metric = "click_rate"        # the primary metric
    minimum_effect = 0.01        # the smallest gain worth shipping, a share of the control
    units = 40000                # planned, of all variants; the interval is narrowest there
    automatic = true             # each refresh stops or ships it as the rule says

    [experiment.decision.guardrails]
    revenue_per_unit = 0.02      # a loss of less than 2 % is accepted
    degraded_share = 0.001       # of a share of failures: less than .1 percentage points more

The verdict reads intervals that hold at any number of looks, so a report may be read every day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from feature_repo.home import EventError, SettingError, check_keys, number_of
from training.experiment_analysis.metrics import METRICS, Metric
from training.experiment_analysis.sequence import TUNED_UNITS

Decision = Literal["ship", "stop", "go on", "blocked"]

_KEYS = {"metric", "minimum_effect", "units", "guardrails", "automatic"}


@dataclass(frozen=True)
class DecisionRule:
    """When to ship and when to stop.

    Attributes:
        metric: the primary metric.
        minimum_effect: smallest gain worth shipping, as a share of the control.
        units: planned units of all variants, at which intervals are narrowest.
        guardrails: by metric, the largest accepted loss (non-inferiority margin): a share of the
            control, or percentage points / 100 of a share of failures.
        automatic: whether a refresh carries out what the rule says.
    """

    metric: Metric = METRICS["click_rate"]
    minimum_effect: float = 0.0
    units: float = TUNED_UNITS
    guardrails: Mapping[str, float] = field(default_factory=dict)
    automatic: bool = False

    @classmethod
    def of(cls, table: Mapping[str, Any], experiment: str) -> "DecisionRule":
        """Read the table `decision` of an experiment.

        Raises:
            SettingError: names the key that is wrong.
        """
        path = f"experiment {experiment!r}.decision"
        try:
            check_keys(table, _KEYS, path)
            guardrails = table.get("guardrails", {})
            check_keys(guardrails, METRICS, f"{path}.guardrails")
            name = table.get("metric", cls.metric.name)
            if name not in METRICS:
                raise EventError(f"{path}.metric", f"one of {', '.join(METRICS)}", repr(name))
            automatic = table.get("automatic", False)
            if not isinstance(automatic, bool):
                raise EventError(f"{path}.automatic", "true or false", repr(automatic))
            return cls(
                METRICS[name],
                number_of(table.get("minimum_effect", 0.0), f"{path}.minimum_effect", 0, 1),
                number_of(table.get("units", TUNED_UNITS), f"{path}.units", 2, 1e12),
                {
                    metric: number_of(margin, f"{path}.guardrails.{metric}", 0, 1)
                    for metric, margin in guardrails.items()
                },
                automatic,
            )
        except EventError as error:
            raise SettingError(str(error)) from None


@dataclass(frozen=True)
class Gain:
    """How much better a variant is than the control, with the ends of a confidence sequence.

    Attributes:
        value, low, high: positive is better: a share of the control, or percentage points / 100 of
            a share of failures.  NaN if nothing was measured.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What to do, and why."""

    decision: Decision
    reason: str


def decide(
    rule: DecisionRule, primary: Gain, guardrails: Mapping[str, Gain], *, has_ended: bool
) -> Verdict:
    """Apply a rule to the gains of one variant.

    Args:
        guardrails: gains of the rule's guardrails.
        has_ended: no further units will come.
    """
    violated = [name for name, margin in rule.guardrails.items() if guardrails[name].high < -margin]
    if violated:
        return Verdict("stop", _violation(rule, violated[0], guardrails[violated[0]]))
    name, needed = rule.metric.title, rule.minimum_effect
    if primary.high < needed or primary.high <= 0:
        limit = f"the minimum effect of {needed:.1%}" if needed else "zero"
        return Verdict("stop", f"The gain in {name} is below {limit}: {_range(primary)}.")
    missing = [
        guardrail
        for guardrail, margin in rule.guardrails.items()
        if not guardrails[guardrail].low > -margin
    ]
    if primary.low > 0 and primary.value >= needed and not missing:
        return Verdict("ship", f"{name.capitalize()} rises by {_range(primary)}.{_safe(rule)}")
    reason = _open_question(rule, primary, missing)
    if has_ended:
        return Verdict("stop", f"The experiment has ended without a proof: {reason}")
    return Verdict("go on", reason)


def _open_question(rule: DecisionRule, primary: Gain, missing: list[str]) -> str:
    name = rule.metric.title
    if not primary.low > 0:
        if primary.low != primary.low:
            return f"There is nothing to compare {name} by yet."
        return f"The gain in {name} may still be zero: {_range(primary)}."
    if primary.value < rule.minimum_effect:
        return (
            f"{name.capitalize()} rises, but its gain may be below the minimum effect of "
            f"{rule.minimum_effect:.1%}: {_range(primary)}."
        )
    margin = rule.guardrails[missing[0]]
    return (
        f"{name.capitalize()} rises by {_range(primary)}, but {METRICS[missing[0]].title} may lose "
        f"more than the accepted {margin:.2%}."
    )


def _violation(rule: DecisionRule, name: str, gain: Gain) -> str:
    return (
        f"{METRICS[name].title.capitalize()} is worse by more than the accepted "
        f"{rule.guardrails[name]:.2%}: {_range(gain)}."
    )


def _safe(rule: DecisionRule) -> str:
    return " No guardrail is violated." if rule.guardrails else ""


def _range(gain: Gain) -> str:
    return f"{gain.value:+.2%} ({gain.low:+.2%} to {gain.high:+.2%} at any time)"
