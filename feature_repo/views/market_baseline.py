"""Totals of a market: the baseline for features of its items, users and queries."""

from collections.abc import Mapping

from feature_repo.shop import Shop
from feature_repo.views.counters import MARKET_MEASURES
from feature_repo.views.spec import DailySums, FieldSpec, ViewSpec
from feature_repo.views.sql_lines import lines

_WINDOWS = {"30d": "in the 30 days before that midnight", "all": "since its first event"}
_SQL_WINDOWS = {"30d": "month", "all": "so_far"}


def _parameters(_: Shop) -> Mapping[str, str]:
    return {
        "running": lines(
            [(measure, window) for measure in MARKET_MEASURES for window in _WINDOWS],
            lambda c: f"(sum({c[0]}) over {_SQL_WINDOWS[c[1]]})::bigint as {c[0]}_{c[1]},",
        )
    }


MARKET_BASELINE = ViewSpec(
    name="market_baseline",
    entity="market",
    description="Totals of a market, for comparison with its items, users and queries.",
    fields=tuple(
        FieldSpec(
            f"{name}_{window}",
            "integer",
            f"{measure.meaning}, {period}.",
            measure.unit,
            {"window": window},
        )
        for name, measure in MARKET_MEASURES.items()
        for window, period in _WINDOWS.items()
    ),
    parameters=_parameters,
    incremental=DailySums("market_days"),
    append_numbers=False,
)
