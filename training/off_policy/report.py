"""The report of a policy that no shopper has seen: estimates, intervals, and their trust."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from training.metrics import Interval, without_nan
from training.off_policy.estimators import Estimate, estimate_all
from training.off_policy.intervals import DRAWS, studentised_intervals
from training.off_policy.overlap import Overlap, by_position
from training.off_policy.policies import Policy
from training.off_policy.slates import LoggedSlates
from training.off_policy.weights import ITEM

PREFERRED, WEAKER = "dr", "rips"
"""The report gives the preferred estimate, of least variance among those without a bias of design.
Where that of the weaker assumption is trusted too and differs, it gives that one."""

TITLES = {
    "snips": "IPS of whole slates (SNIPS)",
    "rips": "IPS of reward interaction (RIPS)",
    "iips": "IPS of item and position (IIPS)",
    "dr": "doubly robust (DR)",
    "switch": "DR, by the model alone where weights are large (SWITCH)",
    "shrinkage": "DR with shrunk weights (DRps)",
}

DISAGREEMENT_LEVEL = 0.99
"""Level of the interval of a difference of two estimators: several are compared."""

NOTES = (
    "The figure is the mean number of clicked items of a slate, over the slates whose order was "
    "drawn.",
    "95 % intervals by a studentised bootstrap over shoppers.",
    "SNIPS lets a click depend on the whole slate, RIPS on the items above it, the others on the "
    "item and its position alone.  The figure is of DR, or of RIPS where the two disagree.",
    "SWITCH and shrinkage accept a bias for less variance: compare, and do not decide by them.",
)


def off_policy_report(
    slates: LoggedSlates, policy: Policy, *, draws: int = DRAWS
) -> dict[str, Any]:
    """Estimate the mean reward of a policy's slates from logged ones.

    Args:
        slates: one or more.
        policy: to evaluate.
        draws: of the bootstrap.
    """
    estimates = estimate_all(slates, policy)
    overlaps = {name: Overlap.of(slates, one.weights) for name, one in estimates.items()}
    differing = _differing(slates, estimates, overlaps, draws)
    headline = WEAKER if WEAKER in differing else PREFERRED
    refusal = overlaps[headline].refusal
    *ends, observed, change = _intervals(slates, estimates, estimates[headline], draws)
    rows = [
        {
            "name": name,
            "title": TITLES[name],
            "assumption": estimates[name].assumption,
            **asdict(interval),
            "overlap": asdict(overlaps[name]),
            "refusal": overlaps[name].refusal,
        }
        for name, interval in zip(estimates, ends, strict=True)
    ]
    report = {
        "slates": len(slates),
        "shoppers": int(slates.clusters.max()) + 1,
        "impressions": int(slates.shown.sum()),
        "rewards": float(slates.rewards.sum()),
        "observed": asdict(observed),
        "refusal": refusal,
        "estimate": None if refusal else next(row for row in rows if row["name"] == headline),
        "change": None if refusal else asdict(change),
        "estimates": rows,
        "disagreements": [_sentence(name, one, estimates) for name, one in differing.items()],
        "slots": by_position(slates, estimates[PREFERRED].weights),
        "notes": [*NOTES],
    }
    finite: dict[str, Any] = without_nan(report)
    return finite


def _intervals(
    slates: LoggedSlates, estimates: Mapping[str, Estimate], headline: Estimate, draws: int
) -> list[Interval]:
    """Return the interval of each estimate, of the observed value, and of headline - observed."""
    clicks = slates.rewards.sum(axis=1)
    observed = clicks - clicks.mean()
    influences = [one.influence for one in estimates.values()]
    columns = np.stack([*influences, observed, headline.influence - observed], axis=1)
    values = [one.value for one in estimates.values()]
    values += [slates.observed, headline.value - slates.observed]
    return studentised_intervals(
        np.array(values), np.nan_to_num(columns), slates.clusters, draws=draws
    )


def _differing(
    slates: LoggedSlates,
    estimates: Mapping[str, Estimate],
    overlaps: Mapping[str, Overlap],
    draws: int,
) -> dict[str, Interval]:
    """Return how the trusted estimates differ from the preferred one, where they do."""
    names = [name for name in estimates if overlaps[name].refusal is None and name != PREFERRED]
    if not names or overlaps[PREFERRED].refusal is not None:
        return {}
    preferred = estimates[PREFERRED]
    values = np.array([estimates[name].value - preferred.value for name in names])
    influences = [estimates[name].influence - preferred.influence for name in names]
    differences = studentised_intervals(
        values, np.stack(influences, axis=1), slates.clusters, DISAGREEMENT_LEVEL, draws
    )
    pairs = zip(names, differences, strict=True)
    return {name: one for name, one in pairs if one.excludes_zero}


def _sentence(name: str, one: Interval, estimates: Mapping[str, Estimate]) -> str:
    reason = (
        "a few large weights or the reward model decide, so do not act on the figure"
        if estimates[name].assumption == ITEM
        else f"clicks depend on the {estimates[name].assumption}, not on item and position alone"
    )
    return (
        f"The estimators disagree. {TITLES[name]} minus {TITLES[PREFERRED]} is "
        f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f}, 99 %): {reason}."
    )
