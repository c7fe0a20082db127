"""How long an experiment would run, from what the shop's shoppers did before it."""

from typing import Any

from feature_repo.home import DAY, DatasetError, Home
from training.experiment_analysis.difference import difference
from training.experiment_analysis.metrics import Metric
from training.experiment_analysis.power import POWER, units_needed
from training.experiment_analysis.unit_table import Exposures, UnitTable

EFFECTS = (0.005, 0.01, 0.02, 0.05, 0.1)
"""Effects of a plan, as shares of the present value."""


def experiment_plan(
    home: Home,
    metric: Metric,
    *,
    until: int,
    days: int = 14,
    unit_kind: str = "user",
    share: float = 1.0,
    power: float = POWER,
    effects: tuple[float, ...] = EFFECTS,
) -> dict[str, Any]:
    """Return the units and days that find effects, as if the last days had been the experiment.

    Each unit's first slate of these days is its exposure.  The days come from the rate of new
    units in the second half, when most of those that come often have come.

    Args:
        until: µs; end of the days.
        share: of the units that the experiment would take.

    Raises:
        DatasetError: the days have fewer than two units, or the metric does not vary.
    """
    span = Exposures(unit_kind=unit_kind, start=until - days * DAY, until=until)
    with UnitTable.open(home, span) as table:
        groups, new_units = table.groups(), table.new_units()
    units = sum(count for _, count in new_units)
    if units < 2:
        raise DatasetError(
            f"Expected two {unit_kind}s or more with a slate in the last {days} days of the log, "
            f"found {units}. Name more days."
        )
    everyone = groups.where({0: "all"})
    # Two equal groups of all these units: the error of their difference is sqrt(4 variance / N).
    adjusted = difference(everyone, everyone, metric)
    variance = float(adjusted.relative_error) ** 2 * units / 2
    if not variance > 0:
        raise DatasetError(
            f"Expected {metric.title} that differs between the {units} {unit_kind}s of {days} "
            "days, found none. Name another metric, or more days."
        )
    middle = until // DAY - days / 2
    daily = sum(count for day, count in new_units if day >= middle) / (days / 2) * share
    rows = []
    for effect in effects:
        needed = units_needed(variance, effect, power=power)
        rows.append({"effect": effect, "units": needed, "days": needed / daily if daily else None})
    return {
        "metric": metric.name,
        "title": metric.title,
        "baseline": float(adjusted.control),
        "units": units,
        "of_days": days,
        "share": share,
        "power": power,
        "variance_ratio": float(adjusted.variance_ratio),
        "effects": rows,
    }
