"""The metrics of an experiment, one declaration each: a ratio of two sums over units.

Sums and standard errors are of units, the things that an experiment assigned, even where a metric
counts impressions or searches.
"""

from dataclasses import dataclass

from training.experiment_analysis.moments import UNITS


@dataclass(frozen=True)
class Metric:
    """A ratio of the sums of two columns of the unit table.

    Attributes:
        title: for people.
        numerator, denominator: columns; the denominator `UNITS` makes it a mean per unit.
        covariates: numerators and denominators of what CUPED predicts the metric by: the same
            measure before the first exposure, and other behaviour.
        is_failure: a share of failures: lower is better, and a change is in percentage points / 100
            instead of a share of the control, which may be zero.
        is_cost: lower is better, and a change is a share of the control.
    """

    name: str
    title: str
    numerator: str
    denominator: str = UNITS
    covariates: tuple[tuple[str, str], ...] = ()
    is_failure: bool = False
    is_cost: bool = False

    @property
    def is_lower_better(self) -> bool:
        """Whether a fall is an improvement."""
        return self.is_failure or self.is_cost

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it reads."""
        return (self.numerator, self.denominator, *self.before)

    @property
    def before(self) -> tuple[str, ...]:
        """The columns of its covariates."""
        return tuple(column for pair in self.covariates for column in pair)


BEHAVIOUR = tuple(
    (f"{column}_before", UNITS) for column in ("impressions", "slate_clicks", "orders")
)
"""What predicts orders better than the few orders before: how much a unit saw and clicked."""


def _per_unit(name: str, title: str, column: str) -> Metric:
    own = (f"{column}_before", UNITS)
    return Metric(name, title, column, covariates=tuple(dict.fromkeys((own, *BEHAVIOUR))))


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "click_rate",
            "clicks per impression of the treated slates",
            "slate_clicks",
            "impressions",
            (("slate_clicks_before", "impressions_before"),),
        ),
        _per_unit("conversion", "share of units with an order", "has_order"),
        _per_unit("clicks_per_unit", "clicks per unit", "clicks"),
        _per_unit("carts_per_unit", "items put into a cart per unit", "carts"),
        _per_unit("orders_per_unit", "purchased items per unit", "orders"),
        _per_unit("revenue_per_unit", "revenue per unit", "revenue"),
        Metric("ndcg", "NDCG@10 of clicks on the treated slates", "ndcg_sum", "clicked_slates"),
        Metric(
            "zero_result_share",
            "share of treated searches without a result",
            "empty_searches",
            "searches",
            is_failure=True,
        ),
        Metric(
            "degraded_share",
            "share of treated answers with a failed stage",
            "degraded",
            "exposures",
            is_failure=True,
        ),
        Metric(
            "latency",
            "milliseconds of a treated answer inside the service",
            "took_ms",
            "timed_answers",
            is_cost=True,
        ),
    )
}
"""Every metric of a report, by name."""

LOST_SHARE = Metric(
    "lost_share", "share of shown slates without an answer in the log", "lost_slates", "slates"
)
"""Differs between variants where one of them loses answers."""

COLUMNS = tuple(
    dict.fromkeys(
        column
        for metric in (*METRICS.values(), LOST_SHARE)
        for column in metric.columns
        if column != UNITS
    )
)
"""The columns of the unit table that metrics read."""
