"""The report of an experiment, from the log of a home."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from feature_repo.home import DAY, Home, to_text
from training.experiment_analysis.comparison import Comparison, compare, part_change, trend
from training.experiment_analysis.decision import DecisionRule, Verdict
from training.experiment_analysis.difference import Difference, difference
from training.experiment_analysis.interleaving_report import interleaving_report
from training.experiment_analysis.metrics import COLUMNS, LOST_SHARE, METRICS, Metric
from training.experiment_analysis.moments import Moments, divide
from training.experiment_analysis.power import units_needed
from training.experiment_analysis.sample_ratio import MISMATCH_P, sample_ratio_p
from training.experiment_analysis.unit_table import Exposures, Groups, UnitTable
from training.experiments import Experiment

_AFTER = tuple(name for name in COLUMNS if not name.endswith("_before"))

_EXPOSURES = Metric("exposures_per_unit", "treated answers per unit", "exposures")

NOTES = (
    "A unit counts from its first exposure on, under the variant of that exposure.",
    "95 % intervals by the delta method; CUPED uses the 28 days before a unit's first exposure.",
    "The verdict reads a confidence sequence, which holds at any number of looks.",
    "Latency is that of treated answers inside the service; a device is a segment where requests "
    "name it.",
)


def experiment_report(home: Home, experiment: Experiment, now: int) -> dict[str, Any]:
    """Compare each variant with the control, the first variant; or both of an interleaving.

    Args:
        home: its compacted log is read, so the report is of the last refresh.
        now: µs; an experiment whose end is before it has ended.

    Raises:
        SettingError: the experiment's decision rule is wrong.
    """
    if experiment.is_interleaving:
        return interleaving_report(home, experiment, now)
    rule = DecisionRule.of(experiment.decision, experiment.name)
    occasion = experiment.occasion
    has_ended = occasion.end is not None and occasion.end <= now
    exposures = Exposures(experiment.name, start=occasion.start, until=occasion.end)
    with UnitTable.open(home, exposures) as table:
        groups, days = table.groups(), table.days(rule.metric)
        exposed, served = table.exposed(), table.served_units()
        switched = table.switched()
    variants = [variant.name for variant in experiment.variants]
    totals = {name: groups.where({0: name}) for name in variants}
    units = [int(totals[name].count) for name in variants]
    p = sample_ratio_p(units, [variant.weight for variant in experiment.variants])
    comparisons = [
        compare(
            name,
            totals[variants[0]],
            totals[name],
            rule,
            treatments=len(variants) - 1,
            has_ended=has_ended,
        )
        for name in variants[1:]
    ]
    report = {
        "experiment": experiment.name,
        "kind": experiment.kind,
        "unit": experiment.unit,
        "metric": rule.metric.name,
        "exposed": None if exposed is None else [to_text(instant) for instant in exposed],
        "has_ended": has_ended,
        "sample_ratio": {"p_value": p, "is_mismatch": p < MISMATCH_P},
        "switched_units": switched,
        "triggered": {"units": sum(units), "of_units": served},
        "variants": [
            {"name": variant.name, "weight": variant.weight} | _totals(totals[variant.name])
            for variant in experiment.variants
        ],
        "comparisons": [
            _with_parts(comparison, variants[0], groups, days, rule, exposed)
            | _trust(totals[variants[0]], totals[comparison.variant], units, p)
            for comparison in comparisons
        ],
        "notes": [*NOTES],
    }
    finite: dict[str, Any] = without_nan(report)
    return finite


def _totals(moments: Moments) -> dict[str, Any]:
    """Return the units of a variant, the sums of their columns, and the metrics."""
    return {
        "units": int(moments.count),
        **{column: float(moments.sum(column)) for column in _AFTER},
        "metrics": {
            metric.name: float(
                divide(moments.sum(metric.numerator), moments.sum(metric.denominator))
            )
            for metric in METRICS.values()
        },
    }


def _trust(
    control: Moments, treatment: Moments, units: list[int], ratio_p: float
) -> dict[str, Any]:
    """Check that neither variant loses units or answers; if one does, the verdict says that.

    A variant that loses answers may have some of each unit, so that the sample ratio is right.
    Fewer treated answers per unit block nothing, because a variant may also change how often
    shoppers return; more shown slates without an answer in the log do.
    """
    exposures = difference(control, treatment, _EXPOSURES)
    losses = difference(control, treatment, LOST_SHARE)
    shares = {"control": float(losses.control), "treatment": float(losses.treatment)}
    checks = {
        "exposures": {"change": float(exposures.relative)} | _mismatch(exposures),
        "losses": shares | _mismatch(losses),
    }
    return checks | _blocked(units, ratio_p, checks["losses"])


def _mismatch(result: Difference) -> dict[str, Any]:
    p = float(result.p_value)
    return {"p_value": p, "is_mismatch": p < MISMATCH_P}


def _blocked(units: list[int], ratio_p: float, losses: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict where a variant loses units or answers; else nothing."""
    if ratio_p < MISMATCH_P:
        reason = (
            f"The variants have {' and '.join(map(str, units))} units, which their weights do not "
            f"explain (p = {ratio_p:.1g}): one variant loses units or their events."
        )
    elif losses["is_mismatch"]:
        reason = (
            f"{losses['control']:.2%} of the control's shown slates and {losses['treatment']:.2%} "
            f"of the variant's have no answer in the log (p = {losses['p_value']:.1g}): one of "
            "them loses answers."
        )
    else:
        return {}
    advice = (
        "Find the cause and start again under another name; no figure of this report can be "
        "trusted."
    )
    return {"verdict": asdict(Verdict("blocked", f"{reason} {advice}"))}


def _with_parts(
    comparison: Comparison,
    control: str,
    groups: Groups,
    days: Groups,
    rule: DecisionRule,
    exposed: tuple[int, int] | None,
) -> dict[str, Any]:
    """Add the segments, the days and what is missing for a decision to a comparison."""

    def parts(of: Groups, position: int, name: Callable[[str], str]) -> dict[str, Any]:
        values = sorted({key[position] for key in of.keys} - {""})
        return {
            name(value): part_change(
                of.where({0: control, position: value}),
                of.where({0: comparison.variant, position: value}),
                rule.metric,
            )
            for value in values
        }

    by_day = parts(days, 1, str)
    return comparison.to_dict() | {
        "segments": parts(groups, 1, lambda market: f"market {market}")
        | parts(groups, 2, lambda history: f"{history} units")
        | parts(groups, 3, lambda device: f"device {device}"),
        "days": by_day,
        "trend": trend(by_day),
        "plan": _plan(
            comparison,
            rule,
            sum(int(groups.where({0: v}).count) for v in (control, comparison.variant)),
            exposed,
        ),
    }


def _plan(
    comparison: Comparison, rule: DecisionRule, units: int, exposed: tuple[int, int] | None
) -> dict[str, Any]:
    """Return how many units and days find the rule's minimum effect with 80 % power."""
    error = comparison.metrics[rule.metric.name]["change"]["error"]
    plan = {"smallest_effect": comparison.smallest_effect, "units": None, "days": None}
    if not rule.minimum_effect or exposed is None or not error > 0:
        return plan
    # The error of equal halves is sqrt(4 variance / units).
    needed = units_needed(error**2 * units / 4, rule.minimum_effect)
    days = max((exposed[1] - exposed[0]) / DAY, 1)
    return plan | {"units": needed, "days": max(needed - units, 0) / (units / days)}


def without_nan(value: Any) -> Any:
    """Return a value for JSON, with None for NaN and infinite numbers."""
    if isinstance(value, Mapping):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
